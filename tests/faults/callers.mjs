// Programs that use the gateway: each asks one question after the other, and says of each how it
// ended. What ended in another way than a caller can accept is a complaint.
import { Agent, request as httpRequest } from 'node:http';
import { MODEL, PROMPT_TOKENS, textOf } from './engine.mjs';

/** Longer than any deadline of the product (limits.h: kRequestDeadline is 600 s). */
const LONGEST_MS = 660_000;

/** The registry's prices (apps/cocoon-ledger/settings.cpp): 20 nanotons a token, completion 8 times. */
export const costOf = (prompt, completion) => 20 * (prompt + 8 * completion);

const ERROR_KEYS = ['message', 'type', 'param', 'code'];

/** The code of an OpenAI error object, or nothing where it is none. */
function errorCode(text) {
  let parsed;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { error } = parsed;
  const sound = error && ERROR_KEYS.every((key) => key in error) && typeof error.message === 'string' &&
    error.message !== '' && typeof error.code === 'string' && error.code !== '';
  return sound ? error.code : undefined;
}

export class Callers {
  /** @param client the role behind the gateway: a connection may break while it is down */
  constructor({ gateway, client, random, count, ends, prefix }) {
    Object.assign(this, { gateway, client, random, count, ends, prefix });
    this.asked = 0;
    this.running = 0;
    this.records = []; // {id, kind, end, start, first, done, outcome, chunks}
    this.complaints = [];
    this.stopped = false;
  }

  begin() {
    this.all = Promise.all(Array.from({ length: this.count }, (_, k) => this.call(k)));
  }

  /** Nothing new; what runs goes on to its end. */
  async finish() {
    this.stopped = true;
    await this.all;
  }

  async call(number) {
    // Every other caller keeps its connection.
    const agent = number % 2 === 0 ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
    while (!this.stopped) {
      const { outcome } = await this.ask(agent);
      // Who finds nobody at home comes back later.
      const nobody = ['broken', 'error:no_proxy', 'error:no_worker', 'error:no_worker_free'].includes(outcome);
      const pause = this.random.below(nobody ? 1000 : 60);
      await new Promise((resume) => setTimeout(resume, pause));
    }
    agent?.destroy();
  }

  scene(end) {
    const { random } = this;
    return {
      chunks: random.chance(0.1) ? random.between(50, 200) : random.between(1, 20),
      delay_ms: random.pick([0, 0, 1, 5, 20]),
      pause_ms: random.between(200, 3000),
      end,
    };
  }

  async ask(agent) {
    const { random } = this;
    const record = {
      id: `${this.prefix}${++this.asked}`,
      kind: random.weighted({ plain: 40, stream: 40, cancel: 12, deadline: 8 }),
      end: random.weighted(this.ends),
      start: performance.now(),
    };
    const scene = this.scene(record.end);
    record.chunks = scene.chunks;
    record.streams = record.kind === 'stream' || record.kind === 'cancel' || random.chance(0.5);
    if (record.kind === 'plain') record.streams = false;
    // A body of some frames now and then: it is cut into chunks, and waits for credit.
    const filler = random.chance(0.05) ? 'x'.repeat(random.between(1000, 300_000)) : '';
    const body = JSON.stringify({
      model: MODEL, stream: record.streams, max_tokens: scene.chunks + 8,
      messages: [{ role: 'user', content: `${record.id} ${filler}` }], scene,
    });
    record.bytes = Buffer.byteLength(body);
    ++this.running;
    try {
      await this.exchange(record, body, agent);
    } finally {
      --this.running;
      record.done = performance.now();
      this.records.push(record);
    }
    return record;
  }

  /** One request to its end; sets record.outcome exactly once, or complains. */
  exchange(record, body, agent) {
    return new Promise((resolve) => {
      let ended = false;
      let timer;
      const end = (outcome) => {
        if (ended) return;
        ended = true;
        clearTimeout(timer);
        record.outcome = outcome;
        resolve();
      };
      const request = httpRequest({
        ...this.gateway, agent: agent ?? false, method: 'POST', path: '/v1/chat/completions',
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      });
      const giveUp = () => {
        end('cancelled');
        request.destroy();
      };
      if (record.kind === 'deadline') timer = setTimeout(giveUp, this.random.between(5, 1500));
      else {
        timer = setTimeout(() => {
          this.complain(record, `did not end within ${LONGEST_MS / 1000} s`);
          giveUp();
        }, LONGEST_MS);
      }
      const stopAfter = record.kind === 'cancel' ? this.random.between(1, 8) : Infinity;
      request.on('error', (error) => {
        if (!ended) end(this.broken(record, error.code ?? error.message));
      });
      request.on('response', (response) => {
        const parts = [];
        let events = 0;
        response.on('data', (data) => {
          record.first ??= performance.now();
          parts.push(data);
          events += data.toString('latin1').split('\n\n').length - 1;
          if (events >= stopAfter) giveUp();
        });
        response.on('error', () => {}); // 'close' follows
        response.on('close', () => {
          if (ended) return;
          if (!response.complete) return end(this.broken(record, 'cut'));
          end(this.judge(record, response, Buffer.concat(parts).toString()));
        });
      });
      request.end(body);
    });
  }

  complain(record, what) {
    this.complaints.push(`${record.id} (${record.kind}, engine: ${record.end}): ${what}`);
  }

  /** A connection that broke: only the end of the client's own process excuses it. */
  broken(record, why) {
    const now = performance.now();
    const excused = this.client.downs.some(([from, to]) => from <= now && to >= record.start);
    if (!excused) this.complain(record, `its connection broke (${why}) while the client ran`);
    return 'broken';
  }

  /** An error that the caller was told in form. */
  failed(record, code) {
    if (code === 'peer_error') this.complain(record, 'an error whose code this client does not know');
    return `error:${code}`;
  }

  judge(record, response, text) {
    const type = response.headers['content-type'] ?? '';
    if (response.statusCode === 200 && type.startsWith('text/event-stream')) {
      return this.judgeStream(record, text);
    }
    if (response.statusCode !== 200) {
      const code = errorCode(text);
      if (code === undefined) {
        this.complain(record, `status ${response.statusCode} without an error object: ${text.slice(0, 200)}`);
      }
      return this.failed(record, code);
    }
    const cost = Number(response.headers['x-cocoon-cost-nano']);
    const expected = costOf(PROMPT_TOKENS, record.chunks);
    let content;
    try {
      content = JSON.parse(text).choices[0].message.content;
    } catch {
      content = undefined;
    }
    if (record.streams || content !== textOf(record.id, record.chunks)) {
      this.complain(record, `a wrong answer: ${text.slice(0, 200)}`);
    }
    if (cost !== expected) this.complain(record, `cost ${cost} nanotons, not ${expected}`);
    return 'ok';
  }

  judgeStream(record, text) {
    const events = text.split('\n\n').filter((e) => e !== '').map((e) => e.replace(/^data: /, ''));
    const done = events.indexOf('[DONE]');
    const failed = events.findIndex((e) => errorCode(e) !== undefined);
    const content = events.filter((e, k) => k !== done && k !== failed).map((e) => {
      try {
        return JSON.parse(e).choices?.[0]?.delta?.content ?? '';
      } catch {
        return `<malformed event ${e.slice(0, 100)}>`;
      }
    }).join('');
    const whole = textOf(record.id, record.chunks);
    if (!record.streams) this.complain(record, 'a stream that was not asked for');
    if (done >= 0 && failed < 0 && done === events.length - 1 && content === whole) return 'ok';
    if (!whole.startsWith(content)) {
      this.complain(record, `a wrong stream: ${content.slice(0, 200)}`);
    } else if (done < 0 && failed === events.length - 1 && failed >= 0) {
      return this.failed(record, errorCode(events[failed]));
    } else if (done < 0 && failed < 0 && record.end === 'short' && content === whole) {
      return 'short'; // the engine's own answer, in order for HTTP
    } else {
      this.complain(record, `a stream that ends neither well nor with an error: …${text.slice(-200)}`);
    }
    return 'wrong';
  }
}
