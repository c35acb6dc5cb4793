"""The loads that are measured: at the engine alone, behind the chain and through the network."""
import json
import statistics
from dataclasses import dataclass, field


@dataclass
class Scene:
    title: str
    connections: int
    requests: int
    chunks: int = 50
    delay_ms: int = 0
    alone: list = field(default_factory=list)
    chain: list = field(default_factory=list)
    network: list = field(default_factory=list)

    def median(self, way, key):
        """Over the rounds; None where that way was not measured."""
        measured = [one[key] for one in getattr(self, way)]
        return statistics.median(measured) if measured else None

    def added(self, way, key):
        """To what the engine takes alone; None where that way was not measured."""
        measured = self.median(way, key)
        return None if measured is None else measured - self.median("alone", key)

    def body(self):
        return json.dumps({
            "model": "demo/echo", "stream": True, "max_tokens": 4096,
            "messages": [{"role": "user", "content": "benchmark"}],
            "demo": {"chunks": self.chunks, "chunk_bytes": 128, "delay_ms": self.delay_ms,
                     "stamp": self.delay_ms != 0},
        })


def scenes(requests):
    return {
        "one": Scene("1 connection, 50 chunks of 128 bytes", 1, max(200, requests // 5)),
        "thirty": Scene("30 connections, 50 chunks of 128 bytes", 30, requests),
        "long": Scene("1 connection, 500 chunks of 128 bytes", 1, max(100, requests // 20),
                      chunks=500),
        "lone": Scene("1 connection, 20 chunks of 128 bytes, 10 ms apart", 1,
                      max(10, requests // 100), chunks=20, delay_ms=10),
    }
