# The image runs the sources as they are: Node strips the types, and a compile cache warmed here takes the cost away.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /sluice
COPY package.json package-lock.json ./
# The pinned `node` package is for machines with another runtime; the image brings its own.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/sluice/.compile-cache \
    SLUICE_STORE=sqlite:/data/sluice.db \
    SLUICE_RULES=/etc/sluice/rules.json
WORKDIR /sluice
COPY --from=dependencies /sluice/node_modules node_modules
COPY package.json rules.example.json rules.schema.json LICENSE ./
COPY src src
RUN node src/main.ts schema > /dev/null \
 && META_TOKEN=x GA4_SECRET=x CRM_TOKEN=x node src/main.ts check rules.example.json > /dev/null \
 && mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080 8443
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9090/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
CMD ["node", "src/main.ts", "start"]
