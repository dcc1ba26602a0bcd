import type { Ga4Platform } from '../test/platforms/ga4.ts'
import type { MetaPlatform } from '../test/platforms/meta.ts'
import type { WebhookPlatform } from '../test/platforms/webhook.ts'

/** What the platforms received, as rows for the terminal. */

export interface Stands {
  readonly meta: MetaPlatform
  readonly ga4: Ga4Platform
  readonly webhook: WebhookPlatform
}

type Row = readonly string[]

const textOf = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number'
    ? String(value)
    : Array.isArray(value)
      ? value.join(' ')
      : ''

const amount = (value: unknown, currency: unknown): string =>
  typeof value === 'number' ? `${value.toFixed(2)} ${textOf(currency)}` : ''

const itemIds = (items: unknown): string =>
  Array.isArray(items)
    ? items.map((item: Readonly<Record<string, unknown>>) => textOf(item['item_id'])).join(' ')
    : ''

/** Platform, event, value, order or product, what the visitor is recognised by, event id. */
export const rowsOf = ({ meta, ga4, webhook }: Stands): readonly Row[] => [
  ...meta.received.map(({ event_name, event_id = '', custom_data = {}, user_data }): Row => [
    'Meta',
    event_name,
    amount(custom_data['value'], custom_data['currency']),
    textOf(custom_data['order_id'] ?? custom_data['content_ids']),
    Object.keys(user_data).join(' '),
    event_id.slice(0, 8),
  ]),
  ...ga4.received.map(({ name, params, clientId }): Row => [
    'GA4',
    name,
    amount(params['value'], params['currency']),
    textOf(params['transaction_id']) || itemIds(params['items']),
    `client ${clientId}`,
    textOf(params['event_id']).slice(0, 8),
  ]),
  ...webhook.received.map(({ id, json }): Row => {
    const body = json as Readonly<Record<string, unknown>>
    return [
      'webhook',
      textOf(body['type']),
      textOf(body['amount']),
      textOf(body['order']),
      'signed',
      id.slice(4, 12),
    ]
  }),
]

/** Columns as wide as their widest cell. */
export const table = (heads: Row, rows: readonly Row[]): string => {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: Row): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(heads), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n')
}
