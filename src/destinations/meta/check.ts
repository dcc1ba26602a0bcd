import { isObject, jsonObject, sentence, textOf, type JsonObject } from '../answer.ts'
import { findingOf, type Check, type Finding } from '../check.ts'
import type { HttpRequest } from '../destination.ts'
import { addressOf } from '../endpoint.ts'
import { origin } from './build.ts'
import { read } from './read.ts'
import type { MetaSettings } from './settings.ts'

/**
 * What Meta says of the token and of the pixel. No event is sent: one with a test event code still reaches Events Manager and
 * counts there. https://developers.facebook.com/docs/graph-api/reference/debug_token (2026-11-20)
 */

const get = (
  path: string,
  query: Readonly<Record<string, string>>,
  { accessToken, apiVersion }: MetaSettings,
  endpoint: string | undefined,
): HttpRequest => ({
  method: 'GET',
  url: addressOf(origin, endpoint, `/${apiVersion}/${path}?${new URLSearchParams(query).toString()}`),
  headers: { authorization: `Bearer ${accessToken}` },
  body: '',
})

const missing = '100/33'

const ofFailure = (finding: Finding): Finding =>
  finding.verdict === 'ok' ? { verdict: 'cannot_tell', reason: 'Meta answered with something else' } : finding

/** Seconds since the epoch; 0 stands for never. */
const endOf = (data: JsonObject): number | null => {
  const end = data['expires_at']
  return typeof end === 'number' && Number.isSafeInteger(end) && end > 0 && end < 1e11 ? end * 1000 : null
}

const ofToken = (data: JsonObject, now: number): Finding => {
  const error = isObject(data['error']) ? data['error'] : {}
  if (data['is_valid'] === false)
    return {
      verdict: 'credentials_refused',
      reason: sentence(textOf(error['message']) ?? 'Meta calls the access token invalid'),
      ...(typeof error['code'] === 'number' ? { code: `${error['code']}` } : {}),
    }
  if (data['is_valid'] !== true)
    return { verdict: 'cannot_tell', reason: 'Meta did not say whether the access token is valid' }
  const end = endOf(data)
  if (end !== null && end <= now)
    return { verdict: 'credentials_refused', reason: `the access token ended ${new Date(end).toISOString()}` }
  const scopes = Array.isArray(data['scopes']) ? data['scopes'].filter((one) => textOf(one) !== null) : []
  return {
    verdict: 'ok',
    reason: sentence(
      [
        'the access token is valid',
        end === null ? 'does not end by itself' : `ends ${new Date(end).toISOString()}`,
        ...(scopes.length === 0 ? [] : [`scopes: ${scopes.join(' ')}`]),
      ].join('; '),
    ),
  }
}

export const check: Check<MetaSettings> = {
  sample: { type: 'page_view', name: 'PageView' },
  questions: [
    {
      asks: 'the access token',
      build: (_sample, settings, { endpoint }) =>
        get('debug_token', { input_token: settings.accessToken }, settings, endpoint),
      read: (response, sample, _settings, now) => {
        const data = jsonObject(response.body)?.['data']
        return response.status === 200 && isObject(data)
          ? ofToken(data, now)
          : ofFailure(findingOf(read(response, [sample])[0], () => false))
      },
    },
    {
      asks: 'the pixel or dataset',
      build: (_sample, settings, { endpoint }) =>
        get(settings.pixelId, { fields: 'id,name' }, settings, endpoint),
      read: (response, sample, { pixelId }) => {
        const body = jsonObject(response.body)
        if (response.status === 200 && body?.['id'] === pixelId) {
          const name = textOf(body['name'])
          return { verdict: 'ok', reason: sentence(`the pixel is there${name === null ? '' : `: ${name}`}`) }
        }
        const finding = ofFailure(findingOf(read(response, [sample])[0], ({ code }) => code === missing))
        // A token made for the Conversions API alone may send to a pixel that it may not look at.
        return finding.verdict === 'not_found' ||
          finding.code?.startsWith('200') === true ||
          finding.code === '10'
          ? {
              ...finding,
              verdict: 'cannot_tell',
              reason: sentence(
                `the token is valid, but Meta does not show it this pixel: the id is wrong, or the token may only send (${finding.reason})`,
              ),
            }
          : finding
      },
    },
  ],
}
