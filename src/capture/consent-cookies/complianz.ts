import type { Names } from './reader.ts'
import { readAllowCookies } from './allow-cookies.ts'
import type { ConsentReader } from './reader.ts'

/**
 * Complianz: a cookie per category, `cmplz_marketing=allow` or `deny`; `cmplz_rt_` is its prefix at the root of a multisite
 * (Really-Simple-Plugins/complianz-gdpr, `cookiebanner/js/complianz.js`). Its script takes a missing cookie for consent in
 * some regions; a server cannot see the region, so to us it is unknown.
 */

const names: Names = {
  analytics: ['statistics'],
  marketing: ['marketing'],
  personalization: ['preferences'],
}

export const complianz: ConsentReader = {
  source: 'complianz',
  read: (jar) => {
    const banners = [...jar.all('cmplz_banner-status'), ...jar.all('cmplz_rt_banner-status')]
    const explicit = banners.length === 0 ? null : banners.every((status) => status === 'dismissed')
    return readAllowCookies(jar, ['cmplz_', 'cmplz_rt_'], names, explicit)
  },
}
