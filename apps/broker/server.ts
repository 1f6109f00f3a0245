// The process of the broker (docs/app-contract.md).

import { serve } from "../plugins/serve.ts";
import { buildApp } from "./app.ts";

await serve({
  name: "broker",
  upstreams: ["quotes"],
  build: ({ upstreams }) => buildApp({ quotes: upstreams.quotes, now: Date.now, log: "stdout" }),
});
