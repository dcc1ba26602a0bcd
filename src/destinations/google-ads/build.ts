import type { BuildContext, DeliverableEvent, HttpRequest } from '../destination.ts'
import { addressOf } from '../endpoint.ts'
import { dataManagerOrigin, dataManagerPath, ingestBody } from './data-manager.ts'
import { accountNumber, type GoogleAdsSettings } from './settings.ts'
import { googleAdsOrigin, uploadBody, uploadPath } from './upload.ts'

/** Without a credential, as in a dry run, the request lacks its authorization and nothing else. */
const headersOf = (
  { transport, loginCustomerId }: GoogleAdsSettings,
  { credential }: BuildContext,
): HttpRequest['headers'] => ({
  'content-type': 'application/json',
  ...(credential === undefined ? {} : { authorization: `Bearer ${credential.accessToken}` }),
  ...(transport === 'google_ads_api' && loginCustomerId !== undefined
    ? { 'login-customer-id': accountNumber(loginCustomerId) }
    : {}),
})

export const build = (
  events: readonly DeliverableEvent[],
  settings: GoogleAdsSettings,
  context: BuildContext,
): HttpRequest => {
  const { now, endpoint } = context
  const headers = headersOf(settings, context)
  return settings.transport === 'data_manager'
    ? {
        method: 'POST',
        url: addressOf(dataManagerOrigin, endpoint, dataManagerPath),
        headers,
        body: JSON.stringify(ingestBody(events, settings, now)),
      }
    : {
        method: 'POST',
        url: addressOf(googleAdsOrigin, endpoint, uploadPath(settings)),
        headers,
        body: JSON.stringify(uploadBody(events, settings, now)),
      }
}
