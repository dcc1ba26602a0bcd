import { jsonObject } from '../answer.ts'
import { findingOf, type Check } from '../check.ts'
import { build } from './build.ts'
import { read } from './read.ts'
import type { TiktokSettings } from './settings.ts'

/**
 * TikTok has no question for a pixel's token. With a test event code an event is shown and not counted; without one a broken
 * event is sent, which can only be refused: for its token, or for what is wrong with it.
 * https://business-api.tiktok.com/portal/docs?id=1771101303285761 (2026-11-20)
 */

const invalid: ReadonlySet<string> = new Set(['40000', '40002'])
const brokenTime = 'a-check-of-the-connection'

export const check: Check<TiktokSettings> = {
  sample: { type: 'view_content', name: 'ViewContent' },
  questions: [
    {
      asks: 'the access token and the pixel',
      build: (sample, settings, context) => {
        const request = build([sample], settings, context)
        if (settings.testEventCode !== undefined) return request
        const body = jsonObject(request.body)
        const data: readonly unknown[] = Array.isArray(body?.['data']) ? body['data'] : []
        return {
          ...request,
          body: JSON.stringify({
            ...body,
            data: data.map((event) => Object.assign({}, event, { event_time: brokenTime })),
          }),
        }
      },
      read: (response, sample, { testEventCode }) => {
        const finding = findingOf(read(response, [sample])[0], () => false)
        if (testEventCode !== undefined) return finding
        if (finding.verdict === 'ok')
          return {
            ...finding,
            verdict: 'cannot_tell',
            reason: 'TikTok did not object to an event that was broken on purpose',
          }
        return finding.code !== undefined && invalid.has(finding.code)
          ? {
              ...finding,
              reason: `TikTok complained of the event that was broken on purpose, not of token or pixel. That speaks for them and proves nothing; with a testEventCode the check can be sure. (${finding.reason})`,
            }
          : finding
      },
    },
  ],
}
