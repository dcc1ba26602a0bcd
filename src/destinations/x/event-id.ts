/** The id of an event made in Events Manager: `o87ne`, or `tw-o8z6j-o87ne` with its pixel's. */
const form = /^(?:tw-([a-z0-9]+)-)?[a-z0-9]+$/

/** Why this cannot be the id of an event of this pixel; `null` when it can. */
export const eventIdFault = (id: string, pixelId: string): string | null => {
  const found = form.exec(id)
  if (found === null) return `the id of an event in Events Manager, such as tw-${pixelId}-o87ne`
  const [, pixel] = found
  return pixel === undefined || pixel === pixelId
    ? null
    : `it belongs to the pixel ${pixel}, and this one is ${pixelId}`
}
