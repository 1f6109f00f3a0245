// Writes apps/quotes/openapi.json, the contract another implementation of the quotes service is tested against, from
// the schemas the app itself serves by: `node apps/quotes/openapi.ts`. For development: the app does not import it.

import { writeFile } from "node:fs/promises";

import swagger from "@fastify/swagger";
import { format } from "oxfmt";

import { createApp } from "../plugins/app.ts";
import { addQuotesRoutes } from "./routes.ts";
import { createMarket } from "./market.ts";

const file = new URL("openapi.json", import.meta.url);

/** The OpenAPI document, formatted as the repository's formatter would. */
export async function renderOpenApi(): Promise<string> {
  const app = createApp({});
  const info = { title: "Quotes", version: "1.0.0", description: "Prices of eleven symbols, as of now." };
  await app.register(swagger, { openapi: { openapi: "3.1.0", info } });
  app.after(() => addQuotesRoutes(app, { quotes: () => createMarket({ seed: 0 })(0) }));
  await app.ready();
  const document = JSON.stringify(app.swagger());
  await app.close();
  return (await format("openapi.json", document, { printWidth: 120 })).code;
}

if (import.meta.main) await writeFile(file, await renderOpenApi());
