// Knocks at a sidecar as whoever has a certificate, or none. Runs wherever the sidecar can be reached, in this process or
// in a container, so it imports nothing but Node's own.

import { connect } from "node:tls";

export interface DialOptions {
  readonly address: { readonly host: string; readonly port: number };
  /** PEM. */
  readonly certificate?: string;
  readonly privateKey?: string;
  /** What is sent once the handshake is done; nothing unless given. */
  readonly send?: string;
}

export interface Dialled {
  /** Of what the sidecar shows, as base64 of DER. It is looked at, not trusted. */
  readonly shown?: string;
  /** The first line of the answer; empty when the connection was closed instead. */
  readonly answer: string;
  /** Why there was none. */
  readonly problem?: string;
}

/** One connection over TLS 1.3, of 5 s at most. Ends it after the handshake when there is nothing to send. */
export async function dial({ address, certificate, privateKey, send }: DialOptions): Promise<Dialled> {
  const { promise, resolve } = Promise.withResolvers<Omit<Dialled, "shown">>();
  const identity = certificate === undefined || privateKey === undefined ? {} : { cert: certificate, key: privateKey };
  const socket = connect({ ...address, ...identity, rejectUnauthorized: false, minVersion: "TLSv1.3" });
  let text = "";
  let shown: string | undefined;
  socket.setTimeout(5000, () => resolve({ answer: "", problem: "no answer" }));
  socket.on("data", (data) => (text += data.toString("latin1")));
  // In TLS 1.3 the client's certificate is judged after the client has finished: the refusal comes when it reads.
  socket.once("secureConnect", () => {
    shown = socket.getPeerX509Certificate()?.raw.toString("base64");
    if (send === undefined) resolve({ answer: "" });
    else socket.write(send);
  });
  socket.once("error", (error) => resolve({ answer: "", problem: error.message }));
  socket.once("close", () => resolve({ answer: text.split("\r\n")[0] ?? "" }));
  try {
    const heard = await promise;
    return shown === undefined ? heard : { ...heard, shown };
  } finally {
    socket.destroy();
  }
}
