// The process of the quotes service (docs/app-contract.md).

import { serve } from "../plugins/serve.ts";
import { buildApp } from "./app.ts";

/** The same in every instance, so that all see one market. */
const seed = 1867;

await serve({ name: "quotes", upstreams: [], build: () => buildApp({ seed, now: Date.now, log: "stdout" }) });
