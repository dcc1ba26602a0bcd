import { readAllowCookies } from './allow-cookies.ts'
import type { ConsentReader } from './reader.ts'

/** WP Consent API, through which many WordPress banners speak: `wp_consent_marketing=allow` or `deny`. */
export const wpConsentApi: ConsentReader = {
  source: 'wp_consent_api',
  read: (jar) =>
    readAllowCookies(
      jar,
      ['wp_consent_'],
      { analytics: ['statistics'], marketing: ['marketing'], personalization: ['preferences'] },
      null,
    ),
}
