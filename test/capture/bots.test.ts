import { describe, expect, test } from 'vitest'
import { compileBots } from '../../src/capture/bots.ts'

const bots = compileBots()
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0'

describe('bots', () => {
  test.each([
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', true],
    ['AdsBot-Google (+http://www.google.com/adsbot.html)', true],
    ['facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)', true],
    ['Mozilla/5.0 (compatible; TikTokSpider; ttspider-feedback@tiktok.com)', true],
    ['GPTBot/1.2', true],
    ['Mozilla/5.0 (compatible; Pinterestbot/1.0; +http://www.pinterest.com/bot.html)', true],
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36', true],
    ['Mozilla/5.0 (Linux; Android 11) Chrome/109.0.0.0 Mobile Safari/537.36 Chrome-Lighthouse', true],
    ['node', true],
    ['curl/8.5.0', true],
    ['', true],
    ['   ', true],
    [firefox, false],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 350.0',
      false,
    ],
  ])('%j: %s', (userAgent, expected) => {
    expect(bots(userAgent)).toBe(expected)
    expect(bots(userAgent), 'the same when asked again').toBe(expected)
  })

  test.each([
    ['Slack', 'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)'],
    ['Discord', 'Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)'],
    ['WhatsApp', 'WhatsApp/2.23.20.0'],
    ['Telegram', 'TelegramBot (like TwitterBot)'],
    ['LinkedIn', 'LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)'],
    ['X', 'Twitterbot/1.0'],
    ['Snapchat', 'Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots'],
    ['Skype', 'Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5'],
    [
      'Apple Messages',
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0',
    ],
  ])('the preview of a link in %s is one', (_where, userAgent) => {
    expect(bots(userAgent)).toBe(true)
  })

  test.each([
    'Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)',
    'Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)',
    'ELB-HealthChecker/2.0',
    'kube-probe/1.29',
    'GoogleHC/1.0',
    'Amazon-Route53-Health-Check-Service (ref 1; report http://amzn.to/1vsZADi)',
  ])('so is the health check %s', (userAgent) => {
    expect(bots(userAgent)).toBe(true)
  })

  test.each([
    [
      'Safari on a phone',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
    ],
    [
      "Google's app",
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/344.0 Mobile/15E148 Safari/604.1',
    ],
    [
      'Facebook',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/490.0]',
    ],
    [
      'TikTok',
      'Mozilla/5.0 (Linux; Android 14; SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0 Mobile Safari/537.36 musical_ly_2023',
    ],
    [
      'Pinterest',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [Pinterest/iOS]',
    ],
    [
      'Snapchat',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Snapchat/13.10.0.40',
    ],
  ])('a person in %s is none', (_where, userAgent) => {
    expect(bots(userAgent)).toBe(false)
  })

  test('where programs are the visitors, the list can be left alone', () => {
    const open = compileBots({ known: false, deny: ['curl/7'] })
    expect(open('curl/8.5.0')).toBe(false)
    expect(open('curl/7.0')).toBe(true)
    expect(open('')).toBe(true)
  })

  test("the site's own texts count before the list, refusals first", () => {
    const own = compileBots({ allow: ['MyMonitor', 'curl'], deny: ['firefox/115', 'curl/7'] })
    expect(own('mymonitor/1.0 bot')).toBe(false)
    expect(own(firefox)).toBe(true)
    expect(own('curl/8.5.0')).toBe(false)
    expect(own('curl/7.0')).toBe(true)
    expect(own('')).toBe(true)
  })

  test('of a user agent 1 024 characters are looked at', () => {
    expect(bots(`${firefox.padEnd(1024)} Googlebot`)).toBe(false)
    expect(bots(`${firefox.padEnd(1000)} Googlebot`)).toBe(true)
  })
})
