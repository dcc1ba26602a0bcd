import type { SkipReason } from './capture.ts'

/** In words: why a request was served and not counted. */
export const skipWords: Readonly<Record<SkipReason, string>> = {
  method: 'a page is opened by GET or POST, and this was neither',
  prefetch: 'the browser loaded it ahead; nobody has looked at it yet',
  not_document:
    'a script, a picture or a frame asked for it; "navigation": false lets it count, "frames": true for frames alone',
  not_navigation: 'a script asked for it, nobody opened it; "navigation": false lets it count',
  range: 'only a part of it was asked for',
  upgrade: 'it asked for another protocol, such as a WebSocket',
  status: 'the answer has another status than the rule wants (any 2xx but 206, where it names none)',
  content_type: 'the answer is no HTML page; "navigation": false lets it count',
  not_modified: 'the browser had the page already (304), and this event counts once',
  bot: 'a program, by its user agent or for want of one; "bots" of the site corrects the list',
  aborted: 'the answer broke off, or the visitor left before its end',
  health_check: "the gateway's own health check",
  monitoring: 'the site\'s own monitoring, by "monitoring" of the site',
  preview: 'an editor looked at it; "previews" of the site corrects the list',
  incomplete: 'the page lacks a fact that the rule requires',
}
