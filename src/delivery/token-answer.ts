import { jsonObject, retryAfterMs, textOf } from '../destinations/answer.ts'
import type { HttpResponse, OAuthRefresh } from '../destinations/destination.ts'
import type { Outcome } from '../destinations/outcome.ts'

/**
 * What a token endpoint said (RFC 6749 sections 5.1 and 5.2), in words for the one who can mend it. Nothing of the answer is
 * repeated but its code: its texts may hold what was sent.
 */
export type TokenAnswer =
  | {
      readonly kind: 'granted'
      readonly accessToken: string
      readonly lifeMs: number
      /** `null`: as asked for. */
      readonly scopes: readonly string[] | null
    }
  | { readonly kind: 'refused'; readonly outcome: Outcome }

/** A lifetime is recommended, not required; without one the token is trusted for a short while. */
const unknownLifeMs = 300_000
/** What may stand in a header (RFC 6750 section 2.1), so that no answer can write headers of its own. */
const tokenForm = /^[\x21-\x7e]{1,4096}$/

const refused = (outcome: Outcome): TokenAnswer => ({ kind: 'refused', outcome })

const reasonsOf = ({ advice }: OAuthRefresh): Readonly<Record<string, string>> => ({
  invalid_grant: `the refresh token is not taken any more: it was revoked, has expired, or belongs to another client id; ${advice}`,
  invalid_client: 'the client id or the client secret is wrong: copy both anew from where they were made',
  deleted_client: 'the OAuth client was deleted: make a new one, and a new refresh token with it',
  disabled_client: 'the OAuth client is disabled: enable it where it was made',
  unauthorized_client: `the OAuth client may not use this refresh token; ${advice}`,
  invalid_scope: `the refresh token was granted without a scope that is needed; ${advice}`,
})

const codeForm = /^[a-z_]{1,40}$/

const readGrant = (response: HttpResponse): TokenAnswer => {
  const body = jsonObject(response.body)
  const accessToken = textOf(body?.['access_token'])
  const type = textOf(body?.['token_type'])
  const life = Number(body?.['expires_in'])
  const scope = textOf(body?.['scope'])
  if (accessToken === null || !tokenForm.test(accessToken) || (type !== null && !/^bearer$/i.test(type)))
    return refused({
      kind: 'unavailable',
      ambiguous: false,
      reason: 'the token endpoint answered without an access token',
    })
  return {
    kind: 'granted',
    accessToken,
    lifeMs: Number.isFinite(life) && life > 0 ? life * 1000 : unknownLifeMs,
    scopes: scope === null ? null : scope.split(/\s+/),
  }
}

export const readTokenAnswer = (response: HttpResponse, oauth: OAuthRefresh): TokenAnswer => {
  const { status } = response
  if (status === 200) return readGrant(response)
  const wait = retryAfterMs(response)
  const later = wait === null ? {} : { retryAfterMs: wait }
  if (status === 429)
    return refused({ kind: 'throttled', ...later, reason: 'the token endpoint asked to slow down' })
  const code = textOf(jsonObject(response.body)?.['error'])
  if (status >= 400 && status < 500 && code !== null && codeForm.test(code)) {
    const reason =
      reasonsOf(oauth)[code] ?? `the token endpoint refused the settings of this integration; ${oauth.advice}`
    return refused({ kind: 'unauthorized', reason: `${reason} (${code})`, code })
  }
  // Nothing went to the platform itself, so nothing can have been taken.
  return refused({
    kind: 'unavailable',
    ambiguous: false,
    ...later,
    reason: `the token endpoint answered HTTP ${status}`,
  })
}
