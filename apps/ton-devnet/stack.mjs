// The stack of a get method, as toncenter takes and gives it.

import { MAX_STACK } from './limits.mjs';
import { cell, list } from './input.mjs';
import { Refusal } from './refusal.mjs';

const LIMIT = 1n << 256n;

function number(value, name) {
  const digits = Number.isSafeInteger(value) ? String(value) : value;
  const found = typeof digits === 'string' ? /^(-?)(0x[0-9a-fA-F]{1,64}|\d{1,78})$/.exec(digits) : null;
  const parsed = found && (found[1] ? -BigInt(found[2]) : BigInt(found[2]));
  if (!found || parsed >= LIMIT || parsed < -LIMIT) {
    throw new Refusal(422, `${name}: expected a number of 257 bits, decimal or 0x…`);
  }
  return parsed;
}

/** The arguments of a request: [["num", "0x1"], ["tvm.Cell", bag of cells], ["tvm.Slice", bag of cells]]. */
export function readStack(value) {
  return list(value, 'stack', MAX_STACK).map((entry, i) => {
    const name = `stack[${i}]`;
    if (!Array.isArray(entry) || entry.length !== 2) throw new Refusal(422, `${name}: expected [type, value]`);
    const [type, content] = entry;
    switch (type) {
      case 'num': return { type: 'int', value: number(content, name) };
      case 'tvm.Cell': return { type: 'cell', cell: cell(content, name) };
      case 'tvm.Slice': return { type: 'slice', cell: cell(content, name) };
      default: throw new Refusal(422, `${name}: expected "num", "tvm.Cell" or "tvm.Slice"`);
    }
  });
}

const bytes = (item) => item.cell.toBoc().toString('base64');

/** What a get method left on the stack. A slice is written as the cell that has it, as toncenter does. */
export const writeStack = (items) => items.map((item) => {
  switch (item.type) {
    case 'int': return ['num', item.value < 0n ? `-0x${(-item.value).toString(16)}` : `0x${item.value.toString(16)}`];
    case 'cell':
    case 'slice':
    case 'builder': return ['cell', { bytes: bytes(item) }];
    case 'null':
    case 'tuple': {
      const whole = listOf(item);
      return whole ? ['list', elements('list', whole)] : ['tuple', elements('tuple', item.items)];
    }
    default: throw new Error(`the stack has an entry of type ${item.type}, which toncenter cannot write`);
  }
});

const elements = (kind, items) => ({ '@type': `tvm.${kind}`, elements: items.map(typed) });

function typed(item) {
  switch (item.type) {
    case 'int': return { '@type': 'tvm.stackEntryNumber', number: { '@type': 'tvm.numberDecimal', number: String(item.value) } };
    case 'cell': return { '@type': 'tvm.stackEntryCell', cell: { '@type': 'tvm.cell', bytes: bytes(item) } };
    case 'slice': return { '@type': 'tvm.stackEntrySlice', slice: { '@type': 'tvm.slice', bytes: bytes(item) } };
    case 'null':
    case 'tuple': {
      const whole = listOf(item);
      return whole ? { '@type': 'tvm.stackEntryList', list: elements('list', whole) }
        : { '@type': 'tvm.stackEntryTuple', tuple: elements('tuple', item.items) };
    }
    default: return { '@type': 'tvm.stackEntryUnsupported' };
  }
}

/** The entries of a list: pairs that end in null. @return null for any other tuple */
function listOf(item) {
  const out = [];
  for (; item.type === 'tuple' && item.items.length === 2; item = item.items[1]) out.push(item.items[0]);
  return item.type === 'null' ? out : null;
}
