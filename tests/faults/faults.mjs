// Draws faults, does them, and undoes them.

const sleep = (ms) => new Promise((resume) => setTimeout(resume, ms));

/** What happens how often, by weight. */
const WEIGHTS = {
  weather: 22, // a line becomes slow
  stall: 14, // a line loses packets for a while: TCP repeats them later
  reset: 16, // connections are reset
  cut: 10, // connections become half-open, and the line is refused to new ones, or not
  kill_worker: 9,
  kill_proxy: 6,
  kill_client: 4,
  drain_worker: 3, // SIGTERM: what runs goes on to its end
  drain_proxy: 2,
  freeze: 6, // a process stands still
  engine_away: 4, // the engine's port refuses, and what runs there is reset
};

const OF_LINES = Object.fromEntries(Object.entries(WEIGHTS).filter(([kind]) => !/^(kill|drain)_/.test(kind)));

export class Faults {
  /** @param restartsMs for so long processes are killed and restarted, too: what one of them leaks
   * shows only where it lives for a while */
  constructor({ world, random, longestMs, gapMs, restartsMs = Infinity }) {
    Object.assign(this, { world, random, longestMs, gapMs, restartsMs });
    this.counts = {};
    this.log = []; // [seconds, what]
    this.failures = []; // what should not have failed: a start, a drain
    this.pending = new Set();
    this.began = performance.now();
  }

  begin() {
    this.all = this.go();
  }

  async go() {
    while (!this.stopped) {
      await sleep(this.random.between(this.gapMs / 4, this.gapMs * 1.75));
      if (this.stopped) break;
      const restarts = performance.now() - this.began < this.restartsMs;
      const kind = this.random.weighted(restarts ? WEIGHTS : OF_LINES);
      // A role or line that is in another fault's hands is left alone.
      const done = this[kind]?.(kind) ?? this.restart(kind);
      const task = done.catch((error) => this.failures.push(`${kind}: ${error.message}`));
      this.pending.add(task);
      task.finally(() => this.pending.delete(task));
    }
  }

  /** No new fault; everything is undone. */
  async finish() {
    this.stopped = true;
    await this.all;
    await Promise.all(this.pending);
    for (const link of this.world.links.values()) link.heal();
  }

  note(kind, what) {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    this.log.push([Number(((performance.now() - this.began) / 1000).toFixed(1)), `${kind} ${what}`]);
  }

  aWhile() {
    return this.random.between(100, this.random.chance(0.2) ? this.longestMs : this.longestMs / 4);
  }

  async holding(thing, work) {
    if (thing.held) return;
    thing.held = true;
    try {
      await work();
    } finally {
      thing.held = false;
    }
  }

  aLink() {
    return this.random.pick([...this.world.links.values()]);
  }

  weather() {
    const link = this.aLink();
    const weather = this.random.pick([
      { delayMs: this.random.between(5, 200), jitterMs: this.random.between(0, 100) },
      { bytesPerSecond: this.random.between(4_000, 200_000) },
      { delayMs: 20, jitterMs: 40, bytesPerSecond: 50_000 },
    ]);
    const ms = this.aWhile();
    return this.holding(link, async () => {
      this.note('weather', `${link.name} ${JSON.stringify(weather)} ${ms} ms`);
      link.setWeather(weather);
      await sleep(ms);
      link.setWeather();
    });
  }

  stall() {
    const link = this.aLink();
    const ms = this.aWhile();
    return this.holding(link, async () => {
      this.note('stall', `${link.name} ${ms} ms`);
      link.stall(true);
      await sleep(ms);
      link.stall(false);
    });
  }

  async reset() {
    const link = this.aLink();
    this.note('reset', link.name);
    link.reset();
  }

  cut() {
    const link = this.aLink();
    const ms = this.aWhile();
    const refuse = this.random.chance(0.5);
    // Some half-open connections are never reset: their ends have to find out by themselves.
    const leave = this.random.chance(0.3);
    return this.holding(link, async () => {
      this.note('cut', `${link.name} ${ms} ms${refuse ? ', refusing' : ''}${leave ? ', left' : ''}`);
      link.refuse(refuse);
      link.cut();
      await sleep(ms);
      link.refuse(false);
      if (!leave) link.heal();
    });
  }

  engine_away() {
    const worker = this.random.pick(this.world.ofKind('worker'));
    const link = worker.toEngine;
    const ms = this.aWhile();
    return this.holding(link, async () => {
      this.note('engine_away', `${link.name} ${ms} ms`);
      link.refuse(true);
      link.reset();
      await sleep(ms);
      link.refuse(false);
    });
  }

  freeze() {
    const role = this.random.pick([...this.world.roles.values()]);
    const ms = this.aWhile();
    return this.holding(role, async () => {
      this.note('freeze', `${role.name} ${ms} ms`);
      role.process.kill('SIGSTOP');
      await sleep(ms);
      role.process.kill('SIGCONT');
    });
  }

  /** kill_… and drain_… */
  restart(kind) {
    const [how, what] = kind.split('_');
    const role = this.random.pick(this.world.ofKind(what));
    const ms = this.random.between(0, 2000);
    return this.holding(role, async () => {
      this.note(kind, `${role.name} for ${ms} ms`);
      const ended = await role.end(how === 'kill' ? 'SIGKILL' : 'SIGTERM');
      if (how === 'drain' && ended.code !== 0) {
        this.failures.push(`${role.name} ended with ${JSON.stringify(ended)} after SIGTERM: ${role.lastLog.slice(-1000)}`);
      }
      await sleep(ms);
      await role.start();
    });
  }
}
