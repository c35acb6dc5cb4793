// What the devnet does wrong when it is told to. Only answers under /api/v2/ and the fate of messages are
// touched: what a test asks the devnet itself is always true.

import { address, integer, list, object, text } from './input.mjs';
import { MAX_DELAY_MS, MAX_RULES, MAX_STALE } from './limits.mjs';
import { Refusal } from './refusal.mjs';

const KEYS = ['delay_ms', 'errors', 'drop', 'duplicate', 'order', 'hold', 'stale', 'lies'];
const TIMES = Number.MAX_SAFE_INTEGER;
const ERRORS = { 500: 'Internal server error', 504: 'Gateway timeout', 429: 'Ratelimit exceed', cut: '' };

export class Faults {
  constructor() {
    this.clear();
  }

  clear() {
    this.settings = { delay_ms: 0, errors: [], drop: 0, duplicate: 0, order: null, hold: [], stale: 0, lies: [] };
  }

  /** Changes the settings that are named; an invalid one changes nothing. */
  set(given) {
    object(given, 'faults', KEYS);
    const next = {};
    for (const [key, value] of Object.entries(given)) next[key] = READ[key](value);
    Object.assign(this.settings, next);
  }

  /** The error that this call gets, or null; `after`: the call takes effect all the same. */
  error(method) {
    const rule = this.settings.errors.find((r) => r.times > 0 && (r.methods.length === 0 || r.methods.includes(method)));
    if (!rule) return null;
    rule.times--;
    return { ...rule, text: ERRORS[rule.kind] };
  }

  /** How often a message that was accepted comes into the pool. */
  copies() {
    for (const [key, copies] of [['drop', 0], ['duplicate', 2]]) {
      if (this.settings[key] > 0) {
        this.settings[key]--;
        return copies;
      }
    }
    return 1;
  }

  hops() {
    return { held: new Set(this.settings.hold), order: this.settings.order ?? undefined };
  }

  /** A result as it is answered: altered where a lie says so. */
  told(method, params, result) {
    const lie = this.settings.lies.find((l) => l.method === method && concerns(l, params));
    if (!lie) return result;
    const merge = isObject(result) && isObject(lie.set);
    return merge ? { ...result, ...lie.set } : lie.set;
  }
}

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

function concerns(lie, params) {
  if (lie.get !== undefined && lie.get !== params.method) return false;
  if (lie.address === undefined) return true;
  try {
    return address(params.address).toRawString() === lie.address;
  } catch {
    return false;
  }
}

const times = (value, name) => integer(value, name, { max: TIMES, otherwise: TIMES });

const READ = {
  delay_ms: (v) => integer(v, 'delay_ms', { max: MAX_DELAY_MS }),
  drop: (v) => integer(v, 'drop', { max: TIMES }),
  duplicate: (v) => integer(v, 'duplicate', { max: TIMES }),
  stale: (v) => integer(v, 'stale', { max: MAX_STALE }),
  hold: (v) => list(v, 'hold', MAX_RULES).map((a) => address(a, 'hold').toRawString()),
  order: (v) => v === null || v === 'reverse' ? v : integer(v, 'order', { max: TIMES }),
  errors: (v) => list(v, 'errors', MAX_RULES).map((rule) => {
    object(rule, 'errors', ['kind', 'times', 'methods', 'after']);
    if (!Object.hasOwn(ERRORS, rule.kind)) {
      throw new Refusal(422, `errors: kind: expected one of ${Object.keys(ERRORS).join(', ')}`);
    }
    return {
      kind: rule.kind, times: times(rule.times, 'errors: times'), after: rule.after === true,
      methods: list(rule.methods, 'errors: methods', MAX_RULES),
    };
  }),
  lies: (v) => list(v, 'lies', MAX_RULES).map((lie) => {
    object(lie, 'lies', ['method', 'address', 'get', 'set']);
    if (lie.set === undefined) throw new Refusal(422, 'lies: set: expected what is to be answered');
    return {
      method: text(lie.method, 'lies: method', 100), get: lie.get, set: lie.set,
      address: lie.address === undefined ? undefined : address(lie.address, 'lies: address').toRawString(),
    };
  }),
};
