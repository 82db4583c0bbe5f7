-- Load for wrk: posts the lines of a file in turn, and prints what came of it as JSON.
--   wrk ... --script serve.lua http://127.0.0.1:8000/predict -- bodies.jsonl

local requests, turn = {}, 0

function init(arguments)
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/json"
  for body in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format(nil, nil, nil, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"answers": %d, "failed": %d, "seconds": %.6f, "bytes": %d, "p50": %.6f, "p99": %.6f}\n',
    summary.requests, errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e6, latency:percentile(99) / 1e6
  ))
end
