// Random numbers from a seed. Each part of a run has its own row, so that one part that draws more
// often than before does not change what the others draw.

/** @param name of the part, such as "callers" */
export function makeRandom(seed, name) {
  // FNV-1a of both, then Mulberry32.
  let state = 0x811c9dc5;
  for (const c of `${seed}/${name}`) state = Math.imul(state ^ c.codePointAt(0), 0x01000193) >>> 0;
  const unit = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n) => Math.floor(unit() * n);
  return {
    below,
    /** An integer; both ends included. */
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => unit() < probability,
    pick: (list) => list[below(list.length)],
    /** One of the names of `{name: weight}`. */
    weighted: (weights) => {
      const entries = Object.entries(weights);
      let at = unit() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        at -= weight;
        if (at < 0) return name;
      }
      return entries[0][0];
    },
  };
}
