// Rules about answers: health, the routes of the API, what is not there, who calls.

import { Ajv2020 } from "ajv/dist/2020.js";

import { ask, plainRoutes, poolTo, type Answer, type Candidate } from "./candidate.ts";
import { failed, notChecked, passed, type Finding } from "./verdict.ts";

export async function health(candidate: Candidate): Promise<Finding> {
  await using pool = poolTo(candidate, 1);
  const { status } = await ask(pool, candidate.health);
  return status === 200 ? passed(`GET ${candidate.health}: 200`) : failed(`GET ${candidate.health}: ${status}`);
}

/** Every plain GET route: a status that the document names, and a body of its schema. */
export async function routes(candidate: Candidate): Promise<Finding> {
  const { api } = candidate;
  const paths = plainRoutes(api);
  if (api === undefined) return notChecked("no `contract` names an OpenAPI document");
  if (paths.length === 0) return notChecked("it has no GET route without parameters");
  const departure = departureFrom(api);
  await using pool = poolTo(candidate, 1);
  for (const path of paths) {
    const found = departure(path, await ask(pool, path));
    if (found !== undefined) return failed(`GET ${path}: ${found}`);
  }
  return passed(paths.map((path) => `GET ${path}`).join(", "));
}

/** In what an answer is not as the document says; undefined: in nothing. */
function departureFrom(api: NonNullable<Candidate["api"]>): (path: string, answer: Answer) => string | undefined {
  const ajv = new Ajv2020({ strict: false, allErrors: false });
  ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/);
  ajv.addSchema(api, "openapi");
  return (path, { status, contentType, body }) => {
    const responses = api.paths[path]?.["get"]?.responses ?? {};
    if (status >= 400 || responses[String(status)] === undefined) return `${status}, which is no success that it names`;
    if (!/^application\/json\b/.test(contentType)) return `content-type ${contentType || "is missing"}, not JSON`;
    const escaped = path.replaceAll("~", "~0").replaceAll("/", "~1");
    const pointer = `openapi#/paths/${escaped}/get/responses/${status}/content/application~1json/schema`;
    const validate = ajv.compile({ $ref: pointer });
    if (validate(JSON.parse(body))) return undefined;
    return ajv.errorsText(validate.errors, { dataVar: "body" });
  };
}

const nowhere = "/there-is-no-such-route";

/** An error has a code for programs and a message for people, and never a stack. */
export async function errors(candidate: Candidate): Promise<Finding> {
  await using pool = poolTo(candidate, 1);
  const { status, body } = await ask(pool, nowhere);
  if (status !== 404) return failed(`GET ${nowhere}: ${status}, not 404`);
  const error = objectOf(body);
  if (typeof error?.["code"] !== "string" || typeof error["message"] !== "string")
    return failed(`the body of 404 has no \`code\` and \`message\`: ${body.slice(0, 60)}`);
  return /\n\s+at |Traceback|goroutine \d/.test(body)
    ? failed("the body of 404 has a stack")
    : passed(`404 ${error["code"]}`);
}

const caller = "By=spiffe://callee.example/app;Hash=00;URI=spiffe://caller.example/app";
/** What no sidecar of the mesh writes: two callers, two IDs, none, something else. */
const garbage = [`${caller},${caller}`, `${caller};URI=spiffe://other.example/app`, "Hash=00", "URI=nobody", '"'];

/** An app that reads who calls refuses what is not exactly one caller. */
export async function callers(candidate: Candidate): Promise<Finding> {
  const [path] = plainRoutes(candidate.api);
  if (path === undefined) return notChecked("no route is known to ask with");
  await using pool = poolTo(candidate, 1);
  const told = async (header: string): Promise<number> =>
    (await ask(pool, path, { headers: { "x-forwarded-client-cert": header } })).status;
  const right = await told(caller);
  if (right !== 200) return failed(`GET ${path} with a caller: ${right}`);
  const statuses = [];
  for (const header of garbage) statuses.push(await told(header));
  if (statuses.every((status) => status === 400)) return passed("a caller: 200; garbage: 400");
  if (statuses.every((status) => status === 200))
    return notChecked("it does not read who calls: that is its own affair");
  return failed(
    `of ${garbage.length} garbled headers ${statuses.filter((status) => status !== 400).length} were not refused with 400`,
  );
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // Not JSON: the caller says so.
  }
}
