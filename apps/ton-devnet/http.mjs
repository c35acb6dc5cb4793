// HTTP around both APIs: bounded requests in, JSON out, and the faults that are made on the way.

import { createServer } from 'node:http';
import { MAX_BODY, MAX_CONNECTIONS, REQUEST_TIMEOUT_MS } from './limits.mjs';
import { Refusal } from './refusal.mjs';
import { METHODS, POST_ONLY } from './toncenter.mjs';

const API = '/api/v2/';
const DEVNET = '/devnet/';

/** What is too much is read to its end all the same, or the caller would not see the answer. */
function readBytes(request) {
  return new Promise((resolve, reject) => {
    let parts = [];
    let length = 0;
    request.on('data', (part) => {
      length += part.length;
      if (length <= MAX_BODY) parts.push(part);
      else {
        parts = [];
        reject(new Refusal(413, `expected a body of at most ${MAX_BODY} bytes`));
      }
    });
    request.on('end', () => resolve(Buffer.concat(parts)));
    request.on('error', (error) => reject(new Refusal(400, `the body ended early: ${error.message}`)));
  });
}

/** The body of a request as JSON. Not sent as JSON, it is refused: a web page could have sent it. */
async function readJson(request) {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new Refusal(415, 'expected a body of content type application/json');
  }
  const bytes = await readBytes(request);
  let body;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new Refusal(400, `the body is not JSON: ${error.message}`);
  }
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw new Refusal(422, 'expected a JSON object as the body');
  }
  return body;
}

function readUrl(text) {
  try {
    return new URL(text, 'http://devnet');
  } catch {
    throw new Refusal(400, 'the path of the request cannot be read');
  }
}

/** A call of toncenter's API in a request. @return {method, params, rpc} */
async function readCall(request, url) {
  const name = url.pathname.slice(API.length);
  if (request.method === 'POST') {
    const body = await readJson(request);
    if (name !== 'jsonRPC') return { method: name, params: body };
    const { method, params = {}, id, jsonrpc } = body;
    if (typeof method !== 'string' || params === null || typeof params !== 'object') {
      throw new Refusal(422, 'jsonRPC: expected {"id", "jsonrpc": "2.0", "method": "…", "params": {…}}');
    }
    return { method, params, rpc: { jsonrpc, id } };
  }
  if (request.method !== 'GET') throw new Refusal(405, `${request.method} is not answered here: GET or POST`);
  if (POST_ONLY.has(name) || name === 'jsonRPC') throw new Refusal(405, `${name} is called by POST`);
  return { method: name, params: Object.fromEntries(url.searchParams) };
}

/** At most `perSecond` calls a second, as many at once. */
class Rate {
  constructor(perSecond) {
    this.perSecond = perSecond;
    this.left = perSecond;
    this.at = performance.now();
  }

  take() {
    const now = performance.now();
    this.left = Math.min(this.perSecond, this.left + (now - this.at) / 1000 * this.perSecond);
    this.at = now;
    if (this.left < 1) return false;
    this.left--;
    return true;
  }
}

export class Http {
  /** @param devnet {chain, clock, faults, control, apiKey, rate} */
  constructor(devnet) {
    this.devnet = devnet;
    this.rate = devnet.rate === undefined ? null : new Rate(devnet.rate);
    this.server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => this.serve(request, response));
    this.server.maxConnections = MAX_CONNECTIONS;
  }

  /** @return the address that it listens at, "host:port" */
  listen(host, port) {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject).listen(port, host, () => {
        const at = this.server.address();
        resolve(at.family === 'IPv6' ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`);
      });
    });
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }

  async serve(request, response) {
    let answer;
    try {
      answer = await this.answer(request);
    } catch (error) {
      if (!(error instanceof Refusal)) console.error(`ton-devnet: ${request.method} ${request.url}: ${error.stack}`);
      const code = error instanceof Refusal ? error.status : 500;
      answer = { code, body: { ok: false, error: error.message, code } };
    }
    if (answer.cut) return request.socket.destroy();
    const text = JSON.stringify(answer.body);
    response.writeHead(answer.code, {
      'content-type': 'application/json', 'content-length': Buffer.byteLength(text),
    }).end(text);
  }

  /** @return {code, body}, or {cut: true} */
  async answer(request) {
    const url = readUrl(request.url);
    const { apiKey } = this.devnet;
    if (apiKey !== undefined && (request.headers['x-api-key'] ?? url.searchParams.get('api_key')) !== apiKey) {
      throw new Refusal(401, 'API key does not exist');
    }
    if (url.pathname.startsWith(API)) return this.call(request, url);
    if (url.pathname.startsWith(DEVNET)) return this.control(request, url.pathname.slice(DEVNET.length));
    throw new Refusal(404, `no such path; there are ${API} and ${DEVNET}`);
  }

  async control(request, path) {
    const route = `${request.method} ${path}`;
    const { routes } = this.devnet.control;
    if (!Object.hasOwn(routes, route)) {
      throw new Refusal(404, `no such call; there are ${Object.keys(routes).join(', ')}`);
    }
    const given = request.method === 'POST' ? await readJson(request) : {};
    return { code: 200, body: { ok: true, result: await routes[route](given) } };
  }

  async call(request, url) {
    if (this.rate && !this.rate.take()) throw new Refusal(429, 'Ratelimit exceed');
    const { method, params, rpc } = await readCall(request, url);
    const { faults } = this.devnet;
    if (faults.settings.delay_ms > 0) await pause(faults.settings.delay_ms);
    const error = faults.error(method);
    const done = error && !error.after ? {} : await this.run(method, params);
    if (error?.kind === 'cut') return { cut: true };
    if (error) return failed(Number(error.kind), error.text, rpc);
    if (done.refusal) return failed(done.refusal.status, done.refusal.message, rpc);
    return { code: 200, body: { ok: true, result: faults.told(method, params, done.result), ...rpc } };
  }

  async run(method, params) {
    const { chain, clock, faults } = this.devnet;
    try {
      if (!Object.hasOwn(METHODS, method)) throw new Refusal(404, `no such method: ${method.slice(0, 80)}`);
      const context = {
        chain, now: clock.now(), view: chain.view(faults.settings.stale), copies: () => faults.copies(),
      };
      return { result: await METHODS[method](params, context) };
    } catch (error) {
      if (error instanceof Refusal) return { refusal: error };
      throw error;
    }
  }
}

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

const failed = (code, error, rpc) => ({ code, body: { ok: false, error, code, ...rpc } });
