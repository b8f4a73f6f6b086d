// What a user of the official npm clients does: the same scenarios, input and output as tests/e2e/scenario.py.
import { createInterface } from "node:readline";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEUlEQVR42mNgGAWjYBSMglEAAAUUAAEF2QZJAAAAAElFTkSuQmCC";
const SCHEMA = {
  type: "object",
  properties: { city: { type: "string" }, degrees: { type: "integer" } },
  required: ["city", "degrees"],
  additionalProperties: false,
};
const QUESTION = { role: "user", content: "What is the weather in Paris?" };

const TO_A_TOOL = { role: "user", content: "Use tool get_weather for Paris." };

const options = (asked) => ({
  baseURL: asked.base_url,
  apiKey: asked.key,
  maxRetries: asked.retries ?? 0,
  timeout: (asked.timeout_s ?? 20) * 1000,
  defaultHeaders: asked.headers,
});
const claude = (asked) => new Anthropic(options(asked));
const gpt = (asked) => new OpenAI(options(asked));

// The Python SDKs' way past their own types; the npm clients send what they are given.
const flat = ({ extra_body, ...fields }) => ({ ...fields, ...extra_body });
const message = (asked, more) =>
  flat({ model: asked.model, max_tokens: 400, messages: [QUESTION], ...more, ...asked.fields });
const chat = (asked, more) =>
  flat({ model: asked.model, max_completion_tokens: 400, messages: [QUESTION], ...more, ...asked.fields });

const textOf = (blocks) => blocks.filter((b) => b.type === "text").map((b) => b.text).join("");
const seen = (found) => ({
  text: textOf(found.content),
  model: found.model,
  stop_reason: found.stop_reason,
  usage: [found.usage.input_tokens, found.usage.output_tokens],
  blocks: found.content.map((block) => block.type),
});
const said = (completion) => ({
  text: completion.choices[0].message.content,
  model: completion.model,
  finish_reason: completion.choices[0].finish_reason,
  usage: [completion.usage.prompt_tokens, completion.usage.completion_tokens],
});
const ours = (response) => Object.fromEntries([...response.headers].filter(([name]) => name.startsWith("x-seawall-")));
const user = (content) => ({ messages: [{ role: "user", content }] });
const toolsOf = (asked) =>
  message(asked, {
    messages: [TO_A_TOOL],
    tools: [{ name: "get_weather", description: "Get it.", input_schema: SCHEMA }],
  });
const functionsOf = (asked) =>
  chat(asked, {
    messages: [TO_A_TOOL],
    tools: [
      {
        type: "function",
        function: { name: "get_weather", description: "Get it.", parameters: SCHEMA, strict: true },
      },
    ],
    reasoning_effort: "none",
  });
const idsOf = async (list) => {
  const ids = [];
  for await (const model of list) ids.push(model.id);
  return ids;
};

function raised(error) {
  const inner = error.error?.error ?? error.error ?? {};
  return {
    class: error.constructor.name,
    module: error instanceof Anthropic.AnthropicError || error instanceof OpenAI.OpenAIError ? "sdk" : "other",
    status: error.status ?? null,
    type: inner.type ?? error.type ?? null,
    code: inner.code ?? inner.details?.error_code ?? error.code ?? null,
    message: String(error.message),
    retry_after: error.headers?.get?.("retry-after") ?? null,
    should_retry: error.headers?.get?.("x-should-retry") ?? null,
  };
}

const SCENARIOS = {
  "anthropic.messages": async (asked) => {
    const { data, response } = await claude(asked).messages.create(message(asked)).withResponse();
    return { ...seen(data), headers: ours(response), request_id: response.headers.get("request-id") };
  },
  "anthropic.stream": async (asked) => {
    const found = { text: "", events: [], raised: null };
    try {
      for await (const event of await claude(asked).messages.create({ ...message(asked), stream: true })) {
        found.events.push(event.type);
        if (event.type === "content_block_delta" && event.delta.type === "text_delta") found.text += event.delta.text;
      }
    } catch (error) {
      found.raised = raised(error);
    }
    return found;
  },
  "anthropic.stream_helper": async (asked) => {
    let streamed = "";
    const stream = claude(asked).messages.stream(message(asked));
    stream.on("text", (text) => (streamed += text));
    return { ...seen(await stream.finalMessage()), streamed };
  },
  "anthropic.tools": async (asked) => {
    const client = claude(asked);
    const question = toolsOf(asked);
    const first = await client.messages.create(question);
    const calls = first.content.filter((block) => block.type === "tool_use");
    const results = calls.map((call) => ({ type: "tool_result", tool_use_id: call.id, content: "sunny" }));
    const messages = [TO_A_TOOL, { role: "assistant", content: first.content }, { role: "user", content: results }];
    const second = await client.messages.create({ ...question, messages });
    return {
      calls: calls.map(({ name, input }) => ({ name, input })),
      stop_reason: first.stop_reason,
      then: seen(second),
    };
  },
  "anthropic.stream_tools": async (asked) => {
    let pieces = "";
    const stream = claude(asked).messages.stream(toolsOf(asked));
    for await (const event of stream) {
      if (event.type === "content_block_delta" && event.delta.type === "input_json_delta")
        pieces += event.delta.partial_json;
    }
    const final = await stream.finalMessage();
    const inputs = final.content.filter((block) => block.type === "tool_use").map((block) => block.input);
    return { pieces, inputs, stop_reason: final.stop_reason };
  },
  "anthropic.image": async (asked) => {
    const source = { type: "base64", media_type: "image/png", data: PNG };
    const content = [{ type: "image", source }, { type: "text", text: "What is this?" }];
    return seen(await claude(asked).messages.create(message(asked, user(content))));
  },
  "anthropic.document": async (asked) => {
    const source = { type: "text", media_type: "text/plain", data: "The sky is blue. Grass is green." };
    const content = [
      { type: "document", source, title: "Facts", citations: { enabled: true } },
      { type: "text", text: "What colour is grass?" },
    ];
    return seen(await claude(asked).messages.create(message(asked, user(content))));
  },
  "anthropic.structured": async (asked) => {
    const form = { output_config: { format: { type: "json_schema", schema: SCHEMA } } };
    return { value: JSON.parse(textOf((await claude(asked).messages.create(message(asked, form))).content)) };
  },
  "anthropic.count_tokens": async (asked) => {
    const counted = await claude(asked).messages.countTokens({ model: asked.model, messages: [QUESTION] });
    return { input_tokens: counted.input_tokens };
  },
  "anthropic.models": async (asked) => {
    const client = claude(asked);
    const ids = await idsOf(client.models.list({ limit: 3 }));
    return { ids, found: (await client.models.retrieve(asked.model)).id };
  },
  "anthropic.beta": async (asked) => {
    const betas = ["context-management-2025-06-27"];
    return seen(await claude(asked).beta.messages.create({ ...message(asked), betas }));
  },
  "openai.chat": async (asked) => {
    const { data, response } = await gpt(asked).chat.completions.create(chat(asked)).withResponse();
    return { ...said(data), headers: ours(response), request_id: response.headers.get("x-request-id") };
  },
  "openai.stream": async (asked) => {
    const found = { text: "", chunks: 0, usage: null, raised: null };
    try {
      for await (const chunk of await gpt(asked).chat.completions.create({ ...chat(asked), stream: true })) {
        found.chunks += 1;
        if (chunk.usage) found.usage = [chunk.usage.prompt_tokens, chunk.usage.completion_tokens];
        for (const choice of chunk.choices) found.text += choice.delta.content ?? "";
      }
    } catch (error) {
      found.raised = raised(error);
    }
    return found;
  },
  "openai.stream_usage": (asked) =>
    SCENARIOS["openai.stream"]({
      ...asked,
      fields: { stream_options: { include_usage: true }, ...asked.fields },
    }),
  "openai.tools": async (asked) => {
    const client = gpt(asked);
    const question = functionsOf(asked);
    const first = (await client.chat.completions.create(question)).choices[0];
    const calls = first.message.tool_calls ?? [];
    const results = calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "sunny" }));
    const messages = [TO_A_TOOL, first.message, ...results];
    const second = await client.chat.completions.create({ ...question, messages });
    return {
      calls: calls.map((call) => ({ name: call.function.name, input: JSON.parse(call.function.arguments) })),
      finish_reason: first.finish_reason,
      then: said(second),
    };
  },
  "openai.stream_tools": async (asked) => {
    const found = { names: [], pieces: "", finish_reason: null };
    for await (const chunk of await gpt(asked).chat.completions.create({ ...functionsOf(asked), stream: true })) {
      for (const choice of chunk.choices) {
        found.finish_reason = choice.finish_reason ?? found.finish_reason;
        for (const call of choice.delta.tool_calls ?? []) {
          if (call.function?.name) found.names.push(call.function.name);
          found.pieces += call.function?.arguments ?? "";
        }
      }
    }
    return found;
  },
  "openai.image": async (asked) => {
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
    ];
    return said(await gpt(asked).chat.completions.create(chat(asked, user(content))));
  },
  "openai.structured": async (asked) => {
    const form = { type: "json_schema", json_schema: { name: "Weather", strict: true, schema: SCHEMA } };
    const completion = await gpt(asked).chat.completions.parse(chat(asked, { response_format: form }));
    return { value: JSON.parse(completion.choices[0].message.content) };
  },
  "openai.embeddings": async (asked) => {
    const found = await gpt(asked).embeddings.create({ model: asked.model, input: ["one", "two"] });
    return { sizes: found.data.map((item) => item.embedding.length), usage: found.usage.prompt_tokens };
  },
  "openai.models": async (asked) => {
    const client = gpt(asked);
    return { ids: await idsOf(client.models.list()), found: (await client.models.retrieve(asked.model)).id };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  let told;
  try {
    told = { ok: await SCENARIOS[asked.scenario](asked) };
  } catch (error) {
    told = { error: raised(error) };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
