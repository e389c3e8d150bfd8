-- wrk calls this at its end: one line of JSON with all that labkit.guest.network.load wants.
function done(summary, latency, requests)
   local percentiles = {}
   for _, percent in ipairs({ 0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100 }) do
      local value = percent == 0 and latency.min or percent == 100 and latency.max or latency:percentile(percent)
      percentiles[#percentiles + 1] = string.format("[%g,%d]", percent, value)
   end
   local failed = summary.errors
   io.write(string.format(
      '{"microseconds":%d,"requests":%d,"bytes":%d,"percentiles":[%s],' ..
      '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n',
      summary.duration, summary.requests, summary.bytes, table.concat(percentiles, ","),
      failed.connect, failed.read, failed.write, failed.status, failed.timeout))
end
