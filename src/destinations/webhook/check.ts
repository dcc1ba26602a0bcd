import { STATUS_CODES } from 'node:http'
import type { Check } from '../check.ts'
import { addressOf } from '../endpoint.ts'
import type { WebhookSettings } from './settings.ts'

/**
 * Whether anybody answers at the address. GET is safe (RFC 9110 9.2.1), so it leaves nothing behind; what a receiver answers
 * to it says nothing of how it takes a signed event, so the credentials stay at home and no verdict is drawn.
 */
export const check: Check<WebhookSettings> = {
  sample: { type: 'page_view', name: 'page_view' },
  questions: [
    {
      asks: 'whether somebody answers at the address',
      build: (_sample, { url }, { endpoint }) => {
        const { origin, pathname, search } = new URL(url)
        return {
          method: 'GET',
          url: addressOf(origin, endpoint, `${pathname}${search}`),
          headers: { accept: '*/*', 'x-gateway-hop': '1' },
          body: '',
        }
      },
      read: ({ status }) => {
        const phrase = STATUS_CODES[status]
        return {
          verdict: 'cannot_tell',
          reason: `the receiver can be reached: it answered ${status}${phrase === undefined ? '' : ` ${phrase}`} to a GET without credentials. Whether it takes events, only a test event can tell.`,
          code: `${status}`,
        }
      },
    },
  ],
}
