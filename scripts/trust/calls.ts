// Calls of SPIRE Server that list and that change many items: page by page, batch by batch.

import { MeshError } from "../errors.ts";
import type { Channel } from "./channel.ts";
import { message, messages, text, toOutcome, type Message } from "./messages.ts";
import type { Outcome } from "./server-types.ts";

const pageSize = 500; // About 100 kB of entries.

/** A whole list, asked for page by page. */
export async function pages<T>(
  channel: Channel,
  service: string,
  method: string,
  field: string,
  toItem: (from: Message) => T,
  request: object = {},
): Promise<readonly T[]> {
  const items: T[] = [];
  let pageToken = "";
  do {
    const response = await channel.call(service, method, { ...request, pageSize, pageToken });
    items.push(...messages(response, field).map(toItem));
    pageToken = text(message(response), "nextPageToken");
  } while (pageToken !== "");
  return items;
}

const batchSize = 100; // The server writes item by item, a few ms each: a call must end well before its deadline.

/** Sends the items in calls of `batchSize`; an empty batch is answered without a call. */
export async function batch<T>(
  channel: Channel,
  service: string,
  method: string,
  items: readonly T[],
  toRequest: (some: readonly T[]) => object,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let from = 0; from < items.length; from += batchSize) {
    const some = items.slice(from, from + batchSize);
    const results = messages(await channel.call(service, method, toRequest(some)), "results");
    if (results.length !== some.length) {
      throw new MeshError(
        "MESH_SPIRE_API",
        `${channel.server} answered ${results.length} results to ${method} with ${some.length} items`,
      );
    }
    outcomes.push(...results.map((result) => toOutcome(result, channel.codeName)));
  }
  return outcomes;
}
