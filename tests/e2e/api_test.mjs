// What a caller of the OpenAI API sees.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { ask, killAll, MODEL, run, startEngine, startNetwork, until } from './network.mjs';

let engine;
let network;
let sdk;

before(async () => {
  engine = await startEngine();
  network = await startNetwork(engine);
  sdk = network.sdk;
});

after(async () => {
  await network?.stop();
  network?.discard();
  killAll();
});

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

test('a plain chat answer arrives whole, with usage', async () => {
  const answer = await sdk.chat.completions.create(ask('good morning'));
  assert.match(answer.choices[0].message.content, /good morning/);
  assert.ok(answer.usage.completion_tokens > 0);
});

test('a streamed chat answer arrives in chunks', async () => {
  const chunks = await collect(await sdk.chat.completions.create(ask('hello', { stream: true })));
  assert.ok(chunks.length > 3);
  const text = chunks.map((c) => c.choices[0]?.delta?.content ?? '').join('');
  assert.match(text, /hello/);
});

test('the usage chunk is hidden from a caller who did not ask for it', async () => {
  const chunks = await collect(await sdk.chat.completions.create(ask('x', { stream: true })));
  assert.ok(chunks.every((c) => c.choices.length > 0 && !c.usage));
});

test('the usage chunk is shown to a caller who asked for it', async () => {
  const chunks = await collect(
    await sdk.chat.completions.create(
      ask('x', { stream: true, stream_options: { include_usage: true } }),
    ),
  );
  assert.equal(chunks.at(-1).choices.length, 0);
  assert.ok(chunks.at(-1).usage.completion_tokens > 0);
});

test('tools pass through to the engine and its call comes back', async () => {
  const answer = await sdk.chat.completions.create(
    ask('weather in Oslo', {
      tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }],
    }),
  );
  const call = answer.choices[0].message.tool_calls[0];
  assert.equal(call.function.name, 'weather');
  assert.match(call.function.arguments, /Oslo/);
});

test('unknown and future fields reach the engine as they were written', async () => {
  const user = `future-${Date.now()}`;
  await sdk.chat.completions.create(
    ask('x', { user, seed: 12345678901, some_future_field: { nested: [1.50, 'ü'] } }),
  );
  const seen = await engine.get(`/demo/last?id=${user}`);
  assert.equal(seen.seed, 12345678901);
  assert.deepEqual(seen.some_future_field, { nested: [1.5, 'ü'] });
});

test('embeddings', async () => {
  const answer = await sdk.embeddings.create({ model: MODEL, input: ['one', 'two'] });
  assert.equal(answer.data.length, 2);
  assert.ok(answer.data[0].embedding.length > 0);
});

test('stream in a request for embeddings changes nothing', async () => {
  const answer = await fetch(network.url + '/embeddings', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: MODEL, input: 'one', stream: true }),
  });
  assert.equal(answer.status, 200);
  assert.equal((await answer.json()).data.length, 1);
});

test('a limit on the answer counts under every name, also those that the engine does not know', async () => {
  for (const name of ['max_tokens', 'max_completion_tokens', 'max_output_tokens', 'n_predict', 'max_new_tokens']) {
    const answer = await sdk.chat.completions.create(ask('x', { [name]: 3 }));
    assert.equal(answer.usage.completion_tokens, 3, name);
  }
  const response = await sdk.responses.create({ model: MODEL, input: 'x', max_tokens: 3 });
  assert.equal(response.usage.output_tokens, 3);
});

test('text completions', async () => {
  const answer = await sdk.completions.create({ model: MODEL, prompt: 'once upon' });
  assert.ok(answer.choices[0].text.length > 0);
});

test('the responses API', async () => {
  const answer = await sdk.responses.create({ model: MODEL, input: 'hello', store: false });
  assert.ok(answer.output_text.length > 0);
});

test('models are listed with live workers, capacity and price', async () => {
  const models = await collect(await sdk.models.list());
  assert.equal(models[0].id, MODEL);
  assert.ok(models[0].cocoon.workers >= 1);
  assert.ok(models[0].cocoon.prompt_price_nano > 0);
});

test('the market shows workers, prices, speeds and demand', async () => {
  await sdk.chat.completions.create(ask('x'));
  const { models } = await (await fetch(network.url + '/cocoon/market')).json();
  const model = models.find((m) => m.id === MODEL);
  assert.ok(model.workers >= 1 && model.capacity >= model.free_slots);
  assert.ok(model.highest_completion_price_nano >= model.lowest_completion_price_nano);
  assert.equal(model.queued, 0);
  assert.ok(model.asked_per_minute > 0, 'a request was just made');
  assert.ok('first_token_ms' in model);
});

test('a caller may prefer the cheapest or the fastest worker, and is told of a word that is neither', async () => {
  for (const prefer of ['cheapest', 'fastest', 'balanced']) {
    const headers = { 'X-Cocoon-Prefer': prefer };
    const answer = await sdk.chat.completions.create(ask('x'), { headers });
    assert.ok(answer.usage.completion_tokens > 0);
  }
  const headers = { 'X-Cocoon-Prefer': 'best' };
  await assert.rejects(sdk.chat.completions.create(ask('x'), { headers }), (error) => {
    assert.equal(error.status, 400);
    assert.match(error.message, /X-Cocoon-Prefer/);
    return true;
  });
});

test('the evidence of proxy and worker is shown, and says that it is simulated', async () => {
  await sdk.chat.completions.create(ask('x'));
  const shown = await (await fetch(network.url + '/cocoon/evidence')).json();
  assert.equal(shown.proxies[0].simulated, true);
  assert.equal(shown.workers[0].verdict, 'UpToDate');
  assert.ok(shown.workers[0].certificate.length > 1000);
});

test('outsiders verify the evidence again, without a network', async () => {
  await sdk.chat.completions.create(ask('x'));
  const text = await (await fetch(network.url + '/cocoon/evidence')).text();
  const bundle = join(network.state, 'bundle.json');
  const verify = async (content, args) => {
    writeFileSync(bundle, content);
    const { code, out, err } = await run('cocoon-attest', [
      'verify', '--json', '--bundle', bundle, ...args,
    ]);
    return { code, answer: out === '' ? err : JSON.parse(out) };
  };
  const root = ['--simulated', '--root', join(network.state, 'sim', 'root.pem')];
  const { code, answer } = await verify(text, root);
  assert.equal(code, 0, JSON.stringify(answer));
  assert.equal(answer.nodes, 2);
  assert.equal(answer.workers[0].claims.role, 'worker');
  assert.equal(answer.workers[0].quote.verdict, 'UpToDate+SIMULATED');
  assert.ok(answer.workers[0].claims.event_log_bytes > 0);
  assert.equal(answer.proxies[0].event_log_matches, true);

  assert.equal((await verify(text, [])).code, 1, "Intel's root vouches for nothing simulated");
  const other = JSON.parse(text);
  const [digest] = Object.keys(other.collateral);
  other.collateral[digest].root_ca_crl = null;
  assert.equal((await verify(JSON.stringify(other), root)).code, 1);
});

test('what a node booted can be read from its certificate', async () => {
  await sdk.chat.completions.create(ask('x'));
  const shown = await (await fetch(network.url + '/cocoon/evidence')).json();
  const leaf = join(network.state, 'leaf.der');
  writeFileSync(leaf, Buffer.from(shown.workers[0].certificate, 'base64'));
  const { code, out } = await run('cocoon-attest', ['eventlog', '--json', '--certificate', leaf]);
  assert.equal(code, 0, out);
  const log = JSON.parse(out);
  assert.equal(log.matches, true);
  assert.equal(log.replayed.rtmr1, shown.workers[0].measurements.rtmr1);
  assert.ok(log.events.some((e) => e.text === 'cocoon simulated kernel: worker'));
});

test('an unknown model is 404', async () => {
  await assert.rejects(
    sdk.chat.completions.create(ask('x', { model: 'no/such' })),
    (e) => e instanceof OpenAI.NotFoundError && e.code === 'model_not_found',
  );
});

test('a request to store the exchange is refused', async () => {
  await assert.rejects(
    sdk.chat.completions.create(ask('x', { store: true })),
    OpenAI.BadRequestError,
  );
});

test('a body that is no JSON is refused, with where it goes wrong', async () => {
  const answer = await fetch(network.url + '/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"model": "demo/echo", "messages": [}',
  });
  assert.equal(answer.status, 400);
  assert.match((await answer.json()).error.message, /\d/);
});

test('a body with a key twice is refused', async () => {
  const answer = await fetch(network.url + '/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"model": "demo/echo", "model": "demo/echo", "messages": []}',
  });
  assert.equal(answer.status, 400);
});

test('a body over the limit is 413', async () => {
  await assert.rejects(
    sdk.chat.completions.create(ask('x'.repeat(9 * 1024 * 1024))),
    (e) => e.status === 413,
  );
});

test("an engine's own 4xx passes through", async () => {
  await assert.rejects(
    sdk.chat.completions.create(ask('x', { demo: { fault: 'error400' } })),
    OpenAI.BadRequestError,
  );
});

test("an engine's own 500 passes through, until several requests in a row have had one", async () => {
  await sdk.chat.completions.create(ask('x'));
  const statuses = [];
  for (const prompt of ['a', 'b', 'c']) {
    await assert.rejects(
      sdk.chat.completions.create(ask(prompt, { demo: { fault: 'error500' } })),
      (e) => statuses.push(e.status) > 0,
    );
  }
  assert.deepEqual(statuses, [500, 500, 502]);
  await sdk.chat.completions.create(ask('x'));
});

test('an engine that is full is 429, with the time to wait', async () => {
  await assert.rejects(
    sdk.chat.completions.create(ask('x', { demo: { fault: 'error429' } })),
    (e) => e.status === 429 && Number(e.headers.get('retry-after')) >= 1,
  );
});

test('a failure that cost nothing is tried again by the SDK', async () => {
  await assert.rejects(
    sdk.chat.completions.create(
      ask('x', { user: 'thrice', demo: { fault: 'error500' } }), { maxRetries: 2 },
    ),
    (e) => e.status === 500 && e.message.includes('demo'),
  );
  assert.equal((await engine.get('/demo/executions')).executions.thrice, 3);
});

for (const fault of ['error_in_200', 'short_length']) {
  test(`an answer that is none (${fault}) is a 502 and costs nothing`, async () => {
    const before = await network.metric('cocoon_client_spent_nano_total');
    await assert.rejects(
      sdk.chat.completions.create(ask('x', { demo: { fault } })),
      (e) => e.status === 502 && e.code === 'engine_bad_answer',
    );
    assert.equal(await network.metric('cocoon_client_spent_nano_total'), before);
  });
}

for (const fault of ['error_in_200', 'no_done']) {
  test(`a stream that fails (${fault}) says so and costs nothing`, async () => {
    const before = await network.metric('cocoon_client_spent_nano_total');
    await assert.rejects(async () => {
      const stream = await sdk.chat.completions.create(ask('x', { stream: true, demo: { fault } }));
      for await (const _ of stream);
    });
    assert.equal(await network.metric('cocoon_client_spent_nano_total'), before);
  });
}

test('a thousand texts are embedded at once', async () => {
  const input = Array.from({ length: 1000 }, (_, i) => `text ${i} `.padEnd(200, 'x'));
  const answer = await sdk.embeddings.create({ model: MODEL, input });
  assert.equal(answer.data.length, 1000);
});

test('vectors of more than a million numbers arrive whole', async () => {
  const input = Array.from({ length: 1100 }, (_, i) => `text ${i}`);
  const before = await network.metric('cocoon_client_spent_nano_total');
  const answer = await sdk.embeddings.create({
    model: MODEL,
    input,
    dimensions: 1024,
    encoding_format: 'float',
  });
  assert.equal(answer.data.length, 1100);
  assert.equal(answer.data[1099].embedding.length, 1024);
  assert.ok((await network.metric('cocoon_client_spent_nano_total')) > before);
});

test('an answer that breaks off ends in an error event and without [DONE]', async () => {
  const answer = await fetch(network.url + '/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ask('x', { stream: true, demo: { fault: 'truncate', chunks: 8 } })),
  });
  const text = await answer.text();
  assert.match(text, /"error"/);
  assert.doesNotMatch(text, /\[DONE\]/);
});

test('a page of another origin may not spend the deposit', async () => {
  const answer = await fetch(network.url + '/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'https://evil.example' },
    body: JSON.stringify(ask('x')),
  });
  assert.equal(answer.status, 403);
});

test('an abort in mid-stream reaches the engine within a second', async () => {
  const before = (await engine.get('/demo/events')).aborted;
  const controller = new AbortController();
  const stream = await sdk.chat.completions.create(
    ask('x', { stream: true, demo: { chunks: 1000, delay_ms: 20 } }),
    { signal: controller.signal },
  );
  for await (const _ of stream) break;
  const aborted = Date.now();
  controller.abort();
  await until(
    'the engine to see the disconnect',
    async () => (await engine.get('/demo/events')).aborted > before,
  );
  assert.ok(Date.now() - aborted < 1000, 'it took longer than a second');
});

test('a chunk goes out before the engine has made the next one', async () => {
  const token = `t${Date.now()}`;
  const stream = await sdk.chat.completions.create(
    ask('x', { stream: true, demo: { chunks: 6, confirm: token } }),
  );
  let seen = 0;
  for await (const chunk of stream) {
    if (!chunk.choices[0]?.delta?.content) continue;
    ++seen; // the engine makes no further chunk before this one is confirmed
    await engine.post(`/demo/confirm?token=${token}`);
  }
  assert.equal(seen, 6);
});

test('a hundred streams at once, each executed once', async () => {
  const run = Date.now();
  const streams = Array.from({ length: 100 }, async (_, i) => {
    const chunks = await collect(
      await sdk.chat.completions.create(
        ask(`number ${i} `, { stream: true, user: `hundred-${run}-${i}`, demo: { chunks: 20 } }),
      ),
    );
    return chunks.map((c) => c.choices[0]?.delta?.content ?? '').join('');
  });
  const texts = await Promise.all(streams);
  texts.forEach((text, i) => assert.match(text, new RegExp(`number ${i} `)));
  const { executions } = await engine.get('/demo/executions');
  for (let i = 0; i < 100; ++i) assert.equal(executions[`hundred-${run}-${i}`], 1);
});
