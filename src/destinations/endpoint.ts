/** `endpoint` in the place of the platform's origin; a path in it stays in front. */
export const addressOf = (origin: string, endpoint: string | undefined, path: string): string =>
  `${(endpoint ?? origin).replace(/\/+$/, '')}${path}`
