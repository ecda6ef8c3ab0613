// SPDX-License-Identifier: MIT
// The bench's requests by node: peer_node.mjs fetch|undici, then the command line of peer.py.

import { createRequire } from "node:module";

const [mode, ...rest] = process.argv.slice(2);
const options = { c: 1, n: 1, w: false, url: rest[rest.length - 1] };
for (let i = 0; i < rest.length - 1; i++) {
    if (rest[i] === "-c") options.c = Number(rest[++i]);
    else if (rest[i] === "-n") options.n = Number(rest[++i]);
    else if (rest[i] === "-w") options.w = true;
}

const body = JSON.stringify({
    model: "bench",
    messages: [{ role: "user", content: "Work through the case in small steps. ".repeat(51) }],
    temperature: 0,
    max_tokens: 1024,
});
const headers = { "Content-Type": "application/json", Authorization: "Bearer sk-bench" };

async function byFetch() {
    const reply = await fetch(options.url, { method: "POST", body, headers });
    return reply.json();
}

function undici() {
    const { request, Agent } = createRequire(process.cwd() + "/")("undici");
    const dispatcher = new Agent({ connections: options.c, pipelining: 1 });
    return async () => {
        const reply = await request(options.url, { method: "POST", body, headers, dispatcher });
        return reply.body.json();
    };
}

const post = mode === "undici" ? undici() : byFetch;
const fine = (reply) =>
    reply.choices[0].message.content.length > 0 &&
    reply.usage.prompt_tokens > 0 &&
    reply.usage.completion_tokens > 0;
let latency = [];
let errors = 0;

async function phase(requests) {
    let left = requests;
    async function worker() {
        while (left-- > 0) {
            const began = performance.now();
            if (!fine(await post())) errors++;
            latency.push(performance.now() - began);
        }
    }
    await Promise.all(Array.from({ length: Math.min(options.c, requests) }, worker));
}

const base = process.resourceUsage().maxRSS;
if (options.w) await phase(options.c);
latency = [];
errors = 0;
const wall = performance.now();
const cpu = process.cpuUsage();
await phase(options.n);
const seconds = (performance.now() - wall) / 1e3;
const used = process.cpuUsage(cpu);
const peak = process.resourceUsage().maxRSS;
latency.sort((a, b) => a - b);
const report = {
    client: `node ${mode}`,
    in_flight: options.c,
    requests: latency.length,
    errors,
    seconds,
    rps: latency.length / seconds,
    cpu_us: (used.user + used.system) / latency.length,
    p50_ms: latency[latency.length >> 1],
    p99_ms: latency[Math.floor(((latency.length - 1) * 99) / 100)],
    base_kb: base,
    peak_kb: peak,
    kb_per_request: (peak - base) / options.c,
};
console.log(JSON.stringify(report));
process.exit(0);
