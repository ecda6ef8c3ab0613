-- SPDX-License-Identifier: MIT
-- The bench's requests by wrk: wrk -s wrk.lua URL. Reads no JSON. Prints a line of JSON.
wrk.method = "POST"
wrk.body = '{"model":"bench","messages":[{"role":"user","content":"'
    .. string.rep("Work through the case in small steps. ", 51)
    .. '"}],"temperature":0,"max_tokens":1024}'
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json"
wrk.headers["Authorization"] = "Bearer sk-bench"

function done(summary, latency, requests)
    local e = summary.errors
    local seconds = summary.duration / 1e6
    io.write(string.format('{"client":"wrk","requests":%d,"errors":%d,"seconds":%.6f,"rps":%.1f,',
        summary.requests, e.connect + e.read + e.write + e.status + e.timeout, seconds,
        summary.requests / seconds))
    io.write(string.format('"p50_ms":%.4f,"p99_ms":%.4f}\n',
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
