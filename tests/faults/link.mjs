// A TCP connection with faults: passes bytes on to another port, later, slower, or not at all.
//
// TCP repeats what is lost, so a lost packet is a pause here. What TCP cannot mend is there, too:
// connections that are reset, and half-open ones, whose bytes go nowhere and whose ends do not know.
import { connect, createServer } from 'node:net';

/** What waits in one direction before its sender is paused: about a socket's buffer. */
const MOST_QUEUED = 64 * 1024;

const CALM = { delayMs: 0, jitterMs: 0, bytesPerSecond: Infinity };

/** One direction of one connection. */
class Lane {
  constructor(link, from, to) {
    this.link = link;
    this.from = from;
    this.to = to;
    this.queue = []; // {data, due}; data null: the end
    this.queued = 0;
    this.free = 0; // when the last of the queue is through
    this.lost = false; // half-open
    from.on('data', (data) => this.take(data));
    from.on('end', () => this.take(null));
    to.on('drain', () => this.flow());
  }

  take(data) {
    if (this.lost) return;
    const { delayMs, jitterMs, bytesPerSecond } = this.link.weather;
    const size = data?.length ?? 0;
    const arrives = Date.now() + delayMs + (jitterMs ? this.link.random.between(0, jitterMs) : 0);
    this.free = Math.max(this.free, arrives) + (size / bytesPerSecond) * 1000;
    this.queue.push({ data, due: this.free });
    this.queued += size;
    if (this.queued > MOST_QUEUED) this.from.pause();
    this.flow();
  }

  flow() {
    clearTimeout(this.timer);
    while (this.queue.length > 0 && !this.lost && !this.link.stalled) {
      if (this.to.writableNeedDrain) return; // 'drain' comes
      const wait = this.queue[0].due - Date.now();
      if (wait > 0) {
        this.timer = setTimeout(() => this.flow(), wait);
        return;
      }
      const { data } = this.queue.shift();
      if (data === null) {
        this.to.end();
        continue;
      }
      this.queued -= data.length;
      this.link.passed += data.length;
      this.to.write(data);
      if (this.queued <= MOST_QUEUED / 2) this.from.resume();
    }
  }

  lose() {
    this.lost = true;
    this.queue = [];
    this.queued = 0;
    clearTimeout(this.timer);
    this.from.resume(); // read, and dropped
  }

  stop() {
    this.lost = true;
    clearTimeout(this.timer);
  }
}

export class Link {
  /** @param port where its far end listens, on this machine; @param random of makeRandom() */
  static async open(port, random) {
    const link = new Link();
    link.target = port;
    link.random = random;
    link.weather = CALM;
    link.stalled = false;
    link.refusing = false;
    link.passed = 0;
    link.losses = []; // when a connection ended, performance.now()
    link.pairs = new Set();
    link.server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => link.accept(near));
    await new Promise((done) => link.server.listen(0, '127.0.0.1', done));
    link.port = link.server.address().port;
    return link;
  }

  accept(near) {
    near.on('error', () => {});
    if (this.refusing) return near.resetAndDestroy();
    const far = connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const pair = { near, far, lanes: [new Lane(this, near, far), new Lane(this, far, near)], halfOpen: false };
    this.pairs.add(pair);
    for (const [socket, other] of [[near, far], [far, near]]) {
      // A failed socket resets the other one. A half-open connection tells nobody.
      socket.on('error', () => {
        if (!pair.halfOpen) other.resetAndDestroy();
      });
      socket.on('close', () => {
        if (socket.closedHere) return;
        socket.closedHere = true;
        this.losses.push(performance.now());
        if (near.destroyed && far.destroyed) this.forget(pair);
      });
    }
    return pair;
  }

  forget(pair) {
    for (const lane of pair.lanes) lane.stop();
    this.pairs.delete(pair);
  }

  /** Delay, jitter and rate of everything from now on; without a value, calm. */
  setWeather(weather = {}) {
    this.weather = { ...CALM, ...weather };
  }

  /** Nothing passes until it is undone; nothing is lost. */
  stall(stalled) {
    this.stalled = stalled;
    if (stalled) return;
    for (const pair of this.pairs) for (const lane of pair.lanes) lane.flow();
  }

  /** Whether new connections are refused. */
  refuse(refusing) {
    this.refusing = refusing;
  }

  /** Resets every connection at both ends. */
  reset() {
    for (const { near, far } of [...this.pairs]) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  /** The connections that there are lose all bytes from now on, and stay open at both ends. */
  cut() {
    for (const pair of this.pairs) {
      pair.halfOpen = true;
      for (const lane of pair.lanes) lane.lose();
    }
    this.losses.push(performance.now());
  }

  /** Calm, and without what cut() has left. */
  heal() {
    this.setWeather();
    this.refuse(false);
    for (const pair of [...this.pairs]) {
      if (!pair.halfOpen) continue;
      pair.near.resetAndDestroy();
      pair.far.resetAndDestroy();
    }
    this.stall(false);
  }

  close() {
    this.reset();
    this.server.close();
  }
}
