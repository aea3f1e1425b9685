/**
 * @typedef {object} Place a view and what it shows: all of it is in the address, so that it can be reloaded and shared
 * @property {string} view
 * @property {string[]} path
 * @property {URLSearchParams} query
 */

/**
 * @param {string} hash of the address, `#/file/traffic.01…`
 * @returns {Place}
 */
export function placeOf(hash) {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [view = '', ...rest] = path.split('/').map(decoded);
  return { view, path: rest, query: new URLSearchParams(query) };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The address of a view.
 * @param {readonly (string | number)[]} path
 * @param {Record<string, string | number | undefined>} [query]
 */
export function addressOf(path, query = {}) {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
  return `#/${path.map((part) => encodeURIComponent(part)).join('/')}${search}`;
}

/** @param {string} fileId */
export const fileAddress = (fileId) => addressOf(['file', fileId]);

/**
 * @param {string} fileId
 * @param {number} record
 */
export const recordAddress = (fileId, record) => addressOf(['record', fileId, record]);
