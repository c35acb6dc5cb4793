// Checked values out of requests. A query gives texts, JSON gives texts and numbers: both will do.

import { Address, Cell } from '@ton/core';
import { MAX_MESSAGE } from './limits.mjs';
import { Refusal } from './refusal.mjs';

const wrong = (name, expected, value) => {
  const shown = value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80);
  return new Refusal(422, `${name}: expected ${expected}, got ${shown}`);
};

/** An account's address, raw (`0:` and 64 hex digits) or friendly (48 characters of base64). */
export function address(value, name = 'address') {
  const expected = 'an address, raw or friendly';
  if (typeof value !== 'string' || value.length > 80) throw wrong(name, expected, value);
  try {
    const parsed = Address.parse(value);
    if (parsed.workChain === 0 || parsed.workChain === -1) return parsed;
  } catch {
    // Falls through: @ton/core says less than we do.
  }
  throw wrong(name, expected, value);
}

/** A whole number that JSON or a query can hold exactly. */
export function integer(value, name, { min = 0, max, otherwise }) {
  if (value === undefined && otherwise !== undefined) return otherwise;
  const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  if (!Number.isSafeInteger(number) || number < min || number > max) {
    throw wrong(name, `a whole number from ${min} to ${max}`, value);
  }
  return number;
}

/** A whole number of any size: digits in a text, or a number. */
export function big(value, name, { min = 0n, max, otherwise }) {
  if (value === undefined && otherwise !== undefined) return otherwise;
  const ok = (typeof value === 'string' && /^\d{1,80}$/.test(value)) || Number.isSafeInteger(value);
  if (!ok || BigInt(value) < min || BigInt(value) > max) {
    throw wrong(name, `a whole number from ${min} to ${max}`, value);
  }
  return BigInt(value);
}

export const UINT64 = (1n << 64n) - 1n;

/** `length` bytes in hex, as a number. */
export function hex(value, name, length) {
  if (typeof value !== 'string' || value.length !== 2 * length || !/^[0-9a-fA-F]*$/.test(value)) {
    throw wrong(name, `${2 * length} hex digits`, value);
  }
  return BigInt('0x' + value);
}

export function text(value, name, maxLength) {
  if (typeof value !== 'string' || value === '' || Buffer.byteLength(value) > maxLength) {
    throw wrong(name, `a text of 1 to ${maxLength} bytes`, value);
  }
  return value;
}

export function list(value, name, max) {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > max) throw wrong(name, `a list of at most ${max}`, value);
  return value;
}

/** An object without other keys than `known`: a misspelt key must not pass for one left out. */
export function object(value, name, known) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw wrong(name, 'an object', value);
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw new Refusal(422, `${name}: no such key: ${key.slice(0, 80)}; known: ${known.join(', ')}`);
  }
  return value;
}

/** The single root of a bag of cells in base64. */
export function cell(value, name) {
  if (typeof value !== 'string' || !/^[0-9A-Za-z+/_-]+={0,2}$/.test(value)) {
    throw wrong(name, 'a bag of cells in base64', value);
  }
  const bytes = Buffer.from(value, 'base64');
  if (bytes.length > MAX_MESSAGE) throw wrong(name, `at most ${MAX_MESSAGE} bytes`, `${bytes.length} bytes`);
  try {
    const roots = Cell.fromBoc(bytes);
    if (roots.length === 1) return roots[0];
  } catch {
    // Falls through.
  }
  throw wrong(name, 'a bag of cells with one root', value);
}

/** A hash as toncenter takes it: hex, or base64 of either alphabet. @return it in base64 */
export function hash(value, name) {
  if (typeof value === 'string') {
    if (/^[0-9a-fA-F]{64}$/.test(value)) return Buffer.from(value, 'hex').toString('base64');
    if (/^[0-9A-Za-z+/_-]{43}=?$/.test(value)) return Buffer.from(value, 'base64').toString('base64');
  }
  throw wrong(name, 'a hash in hex or base64', value);
}
