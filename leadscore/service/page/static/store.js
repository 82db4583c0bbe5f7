// What the browser keeps: the list one works on, its marks, the reader's settings. The service keeps nothing.

const NAME = "leadscore";
const STORE = "kept";

let opened = null;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function run(mode, work) {
  const transaction = (await database()).transaction(STORE, mode);
  const request = work(transaction.objectStore(STORE));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

/** What is kept under a key; undefined where there is nothing, or the browser keeps nothing. */
export const kept = (key) => run("readonly", (store) => store.get(key)).catch(() => undefined);

/** Keep a value; whether the browser does. */
export const keep = (key, value) => run("readwrite", (store) => store.put(value, key)).then(() => true, () => false);

/** Forget the values of keys. */
export const forget = (...keys) => Promise.all(keys.map((key) => run("readwrite", (store) => store.delete(key)).catch(() => undefined)));

/** The list the browser kept: name, answer of the service, what its columns are, the file; undefined if none. */
export const keptList = () => kept("list");

/** The reader's settings. */
export const settings = () => kept("settings");

/** Forget the list and its marks. */
export const forgetList = () => forget("list", "marks", "changes");
