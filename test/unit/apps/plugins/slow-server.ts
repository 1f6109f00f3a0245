// An app for serve.test.ts whose `/slow` answers once `/release` was asked.

import { createApp } from "../../../../apps/plugins/app.ts";
import { serve } from "../../../../apps/plugins/serve.ts";

await serve({
  name: "slow",
  upstreams: ["quotes"],
  build: () => {
    const app = createApp({ log: "stdout" });
    const released = Promise.withResolvers<void>();
    app.get("/slow", async () => {
      app.log.info("arrived");
      await released.promise;
      return { slow: "but sure" };
    });
    process.once("SIGUSR1", () => released.resolve());
    return app;
  },
});
