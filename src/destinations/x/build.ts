import type { BuildContext, DeliverableEvent, HttpRequest } from '../destination.ts'
import { addressOf } from '../endpoint.ts'
import { conversionOf } from './conversion.ts'
import { nonceOf, oauthHeader } from './oauth.ts'
import type { XSettings } from './settings.ts'

export const apiVersion = '12'
const origin = 'https://ads-api.x.com'

/**
 * The pixel's token, where there are no keys to sign with: X's template for Google Tag Manager sends it in this header, and
 * no `Authorization` beside it.
 */
const pixelTokenHeader = 'x-pixel-token'

const authorisation = (
  settings: XSettings,
  events: readonly DeliverableEvent[],
  path: string,
  { now, attempt, site, integration }: BuildContext,
): Readonly<Record<string, string>> => {
  const { accessToken, consumerKey, consumerSecret, accessTokenSecret } = settings
  if (consumerKey === undefined || consumerSecret === undefined || accessTokenSecret === undefined)
    return { [pixelTokenHeader]: accessToken }
  return {
    authorization: oauthHeader(
      { consumerKey, consumerSecret, accessToken, accessTokenSecret },
      {
        method: 'POST',
        // X's own address also behind an endpoint override, because X is who verifies it.
        url: addressOf(origin, undefined, path),
        nonce: nonceOf([site, integration, `${attempt}`, `${now}`, ...events.map(({ event }) => event.id)]),
        timestamp: Math.floor(now / 1000),
      },
    ),
  }
}

export const build = (
  events: readonly DeliverableEvent[],
  settings: XSettings,
  context: BuildContext,
): HttpRequest => {
  const path = `/${apiVersion}/measurement/conversions/${settings.pixelId}`
  return {
    method: 'POST',
    url: addressOf(origin, context.endpoint, path),
    headers: { 'content-type': 'application/json', ...authorisation(settings, events, path, context) },
    body: JSON.stringify({ conversions: events.map((event) => conversionOf(event, settings, context.now)) }),
  }
}
