// E1–E5: where one request ends and the next begins. What the sidecar and the app could read differently is refused, or the
// app gets it as the sidecar read it.

import type { Attempt, Claim, Refused } from "../claim.ts";
import {
  answers,
  canonical,
  invalidCharacters,
  madeInto,
  malformed,
  neverTheEndOf,
  protocolError,
  received,
  requestTo,
  sending,
  smuggled,
  withBody,
} from "./requests.ts";

const chunked = "transfer-encoding: chunked\r\n";
const hello = "5\r\nhello\r\n0\r\n\r\n";
const unknownCoding = protocolError(/^http1.invalid transfer encoding$/, 501);
const tooLow = protocolError(/^low version$/, 426);
const twoWays = protocolError(/^http1.content length and chunked not allowed$/);

/** A body that an app reads as the request of /admin where it reads these headers as no body, or as a shorter one. */
function framed(tried: string, headers: string, expected: Attempt["expected"], before = ""): Attempt {
  return sending(tried, (mesh) => withBody(mesh, headers, `${before}${smuggled(mesh)}`), expected);
}

/** Chunks, and a second request that is the allowed one again. */
function chunks(tried: string, body: string, expected: Attempt["expected"]): Attempt {
  return sending(tried, (mesh) => withBody(mesh, chunked, `${body}${requestTo(mesh)}`), expected);
}

function line(tried: string, headers: string, expected: Attempt["expected"]): Attempt {
  return sending(tried, (mesh) => requestTo(mesh, { headers }), expected);
}

/** The head may be on its way to the app by then. */
const badChunks: Refused = {
  ...malformed,
  received: neverTheEndOf((mesh) => `${received(mesh, { headers: chunked })}${hello}`),
};
const sameChunks = madeInto(
  "two requests for the sidecar and the app alike: the app gets the chunks written anew",
  (mesh) => `${received(mesh, { headers: chunked })}${hello}${received(mesh)}`,
  answers(200, 200),
);
const emptyChunks = madeInto(
  "two requests for the sidecar and the app alike: the app gets the header written anew",
  (mesh) => `${received(mesh, { headers: chunked })}0\r\n\r\n${received(mesh)}`,
  answers(200, 200),
);

function coding(value: string, expected: Attempt["expected"] = unknownCoding): Attempt {
  const shown = JSON.stringify(value);
  return framed(`transfer-encoding: ${shown.slice(1, -1)}`, `transfer-encoding: ${value}\r\n`, expected, "0\r\n\r\n");
}

export const framing: readonly Claim[] = [
  {
    id: "E1",
    title: "a request with a length and chunks is refused",
    clause: "RFC 9112 6.1",
    attempts: [
      framed("content-length, then transfer-encoding", `content-length: 5\r\n${chunked}`, twoWays, "0\r\n\r\n"),
      framed("the other way round", `${chunked}content-length: 5\r\n`, twoWays, "0\r\n\r\n"),
    ],
  },
  {
    id: "E2",
    title: "a length that can be read in two ways is refused",
    clause: "RFC 9112 6.3",
    attempts: [
      framed("two that differ", "content-length: 0\r\ncontent-length: 40\r\n", malformed),
      framed("two alike", "content-length: 0\r\ncontent-length: 0\r\n", malformed),
      ...["+5", "0x5", "5,5", "5, 5", "-1", "5 5", "", "1e1", "5;", "99999999999999999999"].map((length) =>
        framed(`content-length: ${length}`, `content-length: ${length}\r\n`, malformed, "hello"),
      ),
      framed("a vertical tab before it", "content-length: \v5\r\n", invalidCharacters, "hello"),
      sending(
        "content-length: 05",
        (mesh) => withBody(mesh, "content-length: 05\r\n", `hello${requestTo(mesh)}`),
        madeInto(
          "a decimal number for the sidecar and for every HTTP library: 1*DIGIT, not octal",
          (mesh) => `${received(mesh, { headers: "content-length: 05\r\n" })}hello${received(mesh)}`,
          answers(200, 200),
        ),
      ),
    ],
  },
  {
    id: "E3",
    title: "a transfer coding that is not exactly chunked is refused",
    clause: "RFC 9112 6.1",
    attempts: [
      ...["xchunked", "chunked, identity", "identity, chunked", "chunked, chunked", "identity", "", "chunked;q=1"].map(
        (value) => coding(value),
      ),
      coding("\vchunked", invalidCharacters),
      coding("chunked\v", invalidCharacters),
      framed("a space before the colon", "transfer-encoding : chunked\r\n", malformed, "0\r\n\r\n"),
      framed("two", `${chunked}transfer-encoding: identity\r\n`, unknownCoding, "0\r\n\r\n"),
      framed("two, the other way round", `transfer-encoding: identity\r\n${chunked}`, unknownCoding, "0\r\n\r\n"),
      framed(
        "transfer_encoding",
        "transfer_encoding: chunked\r\n",
        protocolError(/^http1.unexpected underscore$/),
        "0\r\n\r\n",
      ),
      sending("in HTTP/1.0", (mesh) => requestTo(mesh, { version: "HTTP/1.0", headers: chunked }), tooLow),
      sending(
        "in capitals, after a tab",
        (mesh) => withBody(mesh, "transfer-encoding: \tCHUNKED\r\n", `0\r\n\r\n${requestTo(mesh)}`),
        emptyChunks,
      ),
    ],
  },
  {
    id: "E4",
    title: "chunks are read strictly, and the app gets them written anew",
    clause: "RFC 9112 7.1",
    attempts: [
      chunks("a size of 0x5", "0x5\r\nhello\r\n0\r\n\r\n", badChunks),
      chunks("of +5", "+5\r\nhello\r\n0\r\n\r\n", badChunks),
      chunks("of -5", "-5\r\nhello\r\n0\r\n\r\n", badChunks),
      chunks("of 65 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n", badChunks),
      chunks("a space before it", " 5\r\nhello\r\n0\r\n\r\n", badChunks),
      chunks("an empty line before it", "\r\n5\r\nhello\r\n0\r\n\r\n", badChunks),
      chunks("a line feed alone behind it", "5\nhello\r\n0\r\n\r\n", badChunks),
      chunks("a carriage return alone behind it", "5\rhello\r\n0\r\n\r\n", badChunks),
      chunks("a line feed in its extension", "5;a\nb\r\nhello\r\n0\r\n\r\n", badChunks),
      chunks("no CRLF behind the chunk", "5\r\nhello0\r\n\r\n", badChunks),
      chunks("line feeds alone at the end", "5\r\nhello\r\n0\n\n", badChunks),
      chunks("a trailer without a colon", "5\r\nhello\r\n0\r\nx\r\n\r\n", badChunks),
      chunks("an extension", '5;ext="\r\nhello\r\n0\r\n\r\n', sameChunks),
      chunks("NUL in an extension", "5;\0\r\nhello\r\n0\r\n\r\n", sameChunks),
      chunks("two bytes more than the size says", "5\r\nhelloXX\r\n0\r\n\r\n", sameChunks),
      chunks("a size with leading zeros", "00000000000000005\r\nhello\r\n0\r\n\r\n", sameChunks),
      chunks(
        "trailers that frame and route",
        "5\r\nhello\r\n0\r\ncontent-length: 50\r\ntransfer-encoding: chunked\r\nhost: admin\r\n\r\n",
        sameChunks,
      ),
    ],
  },
  {
    id: "E5",
    title: "lines that can be read in two ways are refused, or the app gets them written anew",
    clause: "RFC 9112 2.2, 5; RFC 9110 5.5",
    attempts: [
      line("NUL in a value", "x-a: b\0c\r\n", invalidCharacters),
      line("NUL in a name", "x\0a: b\r\n", invalidCharacters),
      line("other controls in a value", "x-a: \x01\x7F\r\n", invalidCharacters),
      line("a space before the colon", "x-a : b\r\n", malformed),
      line("no colon", "x-a\r\n", malformed),
      line("no name", ": b\r\n", malformed),
      line("a bracket in a name", "x(a: b\r\n", malformed),
      line("a byte in a name that is no ASCII", "x\xFF: b\r\n", malformed),
      sending(
        "a folded line first",
        (mesh) => requestTo(mesh, { host: ` x\r\nhost: ${mesh.edge.callee}\r\n` }),
        malformed,
      ),
      sending("HTTP/1.1x", (mesh) => requestTo(mesh, { version: "HTTP/1.1x" }), malformed),
      sending("HTTP/1.2", (mesh) => requestTo(mesh, { version: "HTTP/1.2" }), tooLow),
      sending("HTTP/0.9", ({ edge }) => `GET ${edge.path}\r\n\r\n`, tooLow),
      line("a folded line", "x-a: b\r\n c\r\n", canonical("one line for both", "x-a: b c\r\n")),
      line("a carriage return in a value", "x-a: b\rc\r\n", canonical("it is taken out", "x-a: bc\r\n")),
      line("a line feed alone", "x-a: b\nx-c: d\r\n", canonical("a line's end for both", "x-a: b\r\nx-c: d\r\n")),
      sending(
        "line feeds alone",
        (mesh) => requestTo(mesh).replaceAll("\r", ""),
        canonical("lines' ends for both: the app gets CRLF"),
      ),
      sending("empty lines first", (mesh) => `\r\n\r\n${requestTo(mesh)}`, canonical("they are taken out")),
      sending(
        "tabs in the request line",
        (mesh) => requestTo(mesh).replace(" ", "\t"),
        canonical("the app gets one space"),
      ),
      sending(
        "a carriage return in it",
        (mesh) => requestTo(mesh).replace(" HTTP", "\r HTTP"),
        canonical("it is taken out"),
      ),
    ],
  },
];
