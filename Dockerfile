# Two images from the Node image: `app` runs apps/, `mesh` runs the controllers and the one-shots before them. Neither has a
# build step: Node runs TypeScript as it is, and the compile cache made here holds it stripped of its types.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /mesh
COPY package.json package-lock.json .npmrc ./
# Only what runs, and no script of a dependency. Where packages come from a registry of your own, or through a proxy that
# opens TLS, npm's configuration and the proxy's certificate come as secrets: neither is in a layer.
RUN --mount=type=secret,id=npmrc,target=/run/npmrc --mount=type=secret,id=certificates,target=/run/certificates.pem \
    NPM_CONFIG_USERCONFIG=/run/npmrc NODE_EXTRA_CA_CERTS=/run/certificates.pem \
    npm ci --omit=dev --ignore-scripts --cache /tmp/npm && rm -r /tmp/npm

FROM ${NODE_IMAGE} AS base
ENV NODE_ENV=production NODE_COMPILE_CACHE=/var/cache/node
WORKDIR /mesh
COPY --from=dependencies /mesh/node_modules ./node_modules
COPY package.json versions.json ./
COPY scripts/spiffe ./scripts/spiffe
# Users are many and have numbers only, so the image's own is nobody in particular.
USER 65534:65534
ENTRYPOINT []

FROM base AS app
COPY apps ./apps
USER root
# A clone's files may be for its owner alone; here every user reads them. Other apps than ours are not started to be cached.
RUN --mount=type=bind,source=scripts,target=/tmp/scripts chmod -R a+rX package.json versions.json scripts apps && \
    node /tmp/scripts/runtime/fill-compile-cache.ts apps/health.ts apps/broker/server.ts apps/quotes/server.ts
USER 65534:65534

FROM base AS mesh
COPY mesh.schema.json ./
COPY scripts ./scripts
USER root
# Volumes begin as these folders do: whoever has the volume makes its own folder in it.
RUN mkdir -p /var/lib/mesh/data /var/lib/mesh/keys && chmod 1777 /var/lib/mesh/data /var/lib/mesh/keys
RUN chmod -R a+rX package.json versions.json mesh.schema.json scripts && \
    node scripts/runtime/fill-compile-cache.ts scripts/control/keys.ts scripts/control/bootstrap.ts scripts/control/health.ts scripts/control/ask.ts scripts/control/prober.ts scripts/control/main.ts
USER 65534:65534
