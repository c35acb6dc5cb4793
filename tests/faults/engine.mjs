// An inference engine with faults: a real HTTP server that answers as the caller's scene says, and
// remembers every execution by the request id that the caller has put into its prompt.
import { createServer } from 'node:http';

export const MODEL = 'demo/echo';

/** What an engine counts for any prompt. */
export const PROMPT_TOKENS = 7;

/**
 * How answers may end. `short`: in order for HTTP, but without the last events. The others break.
 * `silent` reads the request and never answers; `stall` stops in the middle, for good.
 */
export const ENDS =
  ['ok', 'late', 'pause', 'error', 'reset_first', 'reset_middle', 'truncate', 'short', 'stall', 'silent'];

export const wordOf = (id, k) => `${id}.${k} `;
export const textOf = (id, chunks) => Array.from({ length: chunks }, (_, k) => wordOf(id, k)).join('');

const usageOf = (chunks) => ({
  prompt_tokens: PROMPT_TOKENS, completion_tokens: chunks, total_tokens: PROMPT_TOKENS + chunks,
});

const event = (id, more) =>
  `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', model: MODEL, ...more })}\n\n`;

/** Executions of all engines of a run. */
export class Executions {
  byRequest = new Map(); // id -> [{worker, at, produced}]
  open = 0;
  total = 0;
  unread = 0; // requests whose body did not come as a whole: they were not run

  begin(id, worker) {
    const execution = { worker, at: performance.now(), produced: 0, whole: false };
    const all = this.byRequest.get(id);
    if (all) all.push(execution);
    else this.byRequest.set(id, [execution]);
    ++this.open;
    ++this.total;
    return execution;
  }

  of(id) {
    return this.byRequest.get(id) ?? [];
  }
}

export async function startEngine(worker, executions) {
  const sockets = new Set();
  const server = createServer((request, response) => {
    answer(request, response, worker, executions).catch(() => response.socket?.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: server.address().port,
    connections: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

async function answer(request, response, worker, executions) {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ object: 'list', data: [{ id: MODEL, object: 'model' }] }));
    return;
  }
  const parts = [];
  try {
    for await (const part of request) parts.push(part);
  } catch {
    ++executions.unread;
    return;
  }
  const body = JSON.parse(Buffer.concat(parts).toString());
  const id = body.messages[0].content.split(' ')[0];
  const execution = executions.begin(id, worker);
  // 'close' comes once for every response, however it ends.
  response.on('close', () => --executions.open);
  await act(response, id, body.scene, body.stream === true, execution);
}

/** Whether the caller is still there after a wait. */
const waited = async (response, ms) => {
  if (ms > 0) await new Promise((resume) => setTimeout(resume, ms));
  return !response.destroyed;
};

async function act(response, id, scene, streams, execution) {
  const { chunks, delay_ms: delay, end, pause_ms: pause } = scene;
  if (end === 'silent') return;
  if (end === 'reset_first') return void response.socket.resetAndDestroy();
  if (end === 'error') {
    response.writeHead(500, { 'content-type': 'application/json' });
    response.end('{"error":{"message":"out of memory","type":"server_error","param":null,"code":"out_of_memory"}}');
    return;
  }
  if (end === 'late' && !(await waited(response, pause))) return;
  if (!streams) return actAtOnce(response, id, scene, execution);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const middle = Math.ceil(chunks / 2);
  for (let k = 0; k < chunks; ++k) {
    if (k === middle) {
      if (end === 'stall') return;
      if (end === 'pause' && !(await waited(response, pause))) return;
      if (end === 'reset_middle') return void response.socket.resetAndDestroy();
      if (end === 'truncate') {
        // An event that is not whole, of a body that is not.
        return void response.write(event(id, {}).slice(0, 20), () => response.socket?.destroy());
      }
    }
    if (!(await waited(response, delay))) return;
    response.write(event(id, {
      choices: [{ index: 0, delta: { content: wordOf(id, k) }, finish_reason: null }],
    }));
    ++execution.produced;
  }
  execution.whole = true;
  if (end === 'short') return void response.end();
  response.write(event(id, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
  response.write(event(id, { choices: [], usage: usageOf(chunks) }));
  response.end('data: [DONE]\n\n');
}

async function actAtOnce(response, id, { chunks, delay_ms: delay, end, pause_ms: pause }, execution) {
  const body = JSON.stringify({
    id, object: 'chat.completion', model: MODEL,
    choices: [{
      index: 0, finish_reason: 'stop', message: { role: 'assistant', content: textOf(id, chunks) },
    }],
    usage: usageOf(chunks),
  });
  if (!(await waited(response, delay * chunks))) return;
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.write(body.slice(0, body.length / 2));
  if (end === 'stall') return;
  if (end === 'pause' && !(await waited(response, pause))) return;
  if (end === 'reset_middle') return void response.socket.resetAndDestroy();
  if (end === 'truncate' || end === 'short') return void response.socket.destroy();
  execution.produced = chunks;
  execution.whole = true;
  response.end(body.slice(body.length / 2));
}
