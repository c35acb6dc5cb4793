// The official OpenAI SDK against a local cocoon-client.
// Usage: OPENAI_BASE_URL=http://127.0.0.1:10000/v1 node openai_sdk.mjs MODEL
import OpenAI from 'openai';

const client = new OpenAI({ apiKey: process.env.OPENAI_API_KEY ?? 'unused' });
const stream = await client.chat.completions.create({
  model: process.argv[2] ?? 'demo/echo',
  messages: [{ role: 'user', content: 'Hello!' }],
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? '');
process.stdout.write('\n');
