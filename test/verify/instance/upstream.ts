// A SPIRE Server that signs under an authority whose key the test has: its plugin, in server.conf.

/** Where SPIRE Server finds them. */
export interface UpstreamFiles {
  readonly cert: string;
  readonly key: string;
}

/** @param configuration the rendered server.conf */
export function signingUnder({ cert, key }: UpstreamFiles, configuration: string): string {
  const plugin = `    UpstreamAuthority "disk" {
        plugin_data {
            cert_file_path = ${JSON.stringify(cert)}
            key_file_path = ${JSON.stringify(key)}
        }
    }
`;
  return configuration.replace("plugins {\n", `plugins {\n${plugin}\n`);
}
