// One channel, followed by one name. What is shown is what the channel's log says; what is being sent stands below it until
// the log has it.

import CComet from './ccomet.mjs';
import { ownMessages, pending } from './memory.js';

/**
 * For how long a message is tried, in ms: the server remembers ids for five minutes, and until then a message whose receipt
 * was lost is not stored twice.
 */
const SEND_TIMEOUT = 240_000;

const newId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), n => n.toString(36)).join('-');
const kept = count => (count === 1 ? '1 message is no longer kept and cannot be shown.' : `${count} messages are no longer kept and cannot be shown.`);

/**
 * Joins a channel.
 * @param {object} how
 * @param {string} how.channel
 * @param {string} how.nick
 * @param {(() => Promise<string|null>)|undefined} how.token says who it is
 * @param {boolean} how.exclusive whether the connection goes by the name, so that the newest one of that name alone is held
 * @param {ReturnType<import('./timeline.js').timeline>} how.shown where it is shown
 * @param {() => boolean} how.isLookedAt
 * @param {(text: string) => void} how.giveBack takes back what was not sent, to be changed
 * @param {(state: string) => void} how.onState hears of the connection's states
 * @param {(error: Error) => void} how.onError
 * @param {(count: number) => void} how.onUnread hears how many messages came that nobody saw
 */
export function converse({ channel, nick, token, exclusive, shown, isLookedAt, giveBack, onState, onError, onUnread }) {
  const room = new CComet({ url: '.', channel, sname: nick, exclusive, token, sign: true });
  const own = ownMessages(channel, nick, key => shown.claim(key));
  let isHistory = true;
  let isLeft = false;
  let signed = null;
  let unread = 0;
  let outbox = [];
  let namesake = 'none'; // then 'seen', then 'told'

  const epoch = () => room.cursor?.split(':')[0];
  const recount = count => {
    unread = count;
    onUnread(count);
  };

  /** Two people of one name look like one to the other readers; better that the two know. */
  function tellNamesake() {
    if (namesake !== 'seen' || isHistory) return;
    namesake = 'told';
    shown.notice(`“${nick}” is also used in another browser here. Others cannot tell the two apart.`, 'same-name');
  }

  function settle(entry) {
    outbox = outbox.filter(other => other !== entry);
    entry.view.remove();
  }

  /** Takes away what the log has shown, or has passed: it was acknowledged, so it stands in the log. */
  function settlePassed() {
    for (const entry of outbox) {
      const [of, seqid] = entry.receipt?.split(':') ?? [];
      if (entry.receipt && (of !== epoch() || Number(seqid) < room.seqid)) settle(entry);
    }
  }

  /** Whether a message is one's own: by its receipt; until that is here, by what is just being sent. */
  function isOwn({ sname, msg }, key) {
    if (own.has(key)) return true;
    const entry = sname === nick && outbox.find(one => one.isSending && !one.seen && one.text === msg);
    if (!entry) return false;
    entry.seen = key;
    entry.view.hide();
    return true;
  }

  function onMessage(message) {
    const { type, sname, user, seqid, time } = message;
    const key = `${epoch()}:${seqid}`;
    if (type === 'SIGN' && seqid === signed) own.add(key);
    const mine = type === 'MSG' ? isOwn(message, key) : own.has(key);
    const name = sname ?? user ?? '';
    const who = { name, own: mine, other: name === nick };
    if (type === 'SIGN' || type === 'JOIN') {
      shown.joined(who, time, key);
    } else if (type === 'LEAVE') {
      shown.left(who, time, key);
    } else if (type === 'MSG') {
      // All that comes before `open` is history, and was not missed.
      const isUnread = !mine && !isHistory && !isLookedAt();
      shown.message(message, { key, who, isUnread, isFirst: isUnread && unread === 0 });
      if (isUnread) recount(unread + 1);
      if (name === nick && !mine && namesake === 'none') namesake = 'seen';
      tellNamesake();
    }

    settlePassed();
  }

  function attempt(entry) {
    entry.isSending = true;
    entry.view.wait();
    const { id, text } = entry;
    room.publish(text, { id, timeout: Math.max(1_000, SEND_TIMEOUT - entry.age) }).then(receipt => {
      pending.remove(channel, id);
      entry.receipt = `${receipt.epoch}:${receipt.seqid}`;
      own.add(entry.receipt);
      if (isLeft) return;
      if (entry.seen && entry.seen !== entry.receipt && !own.has(entry.seen)) shown.disown(entry.seen);
      shown.claim(entry.receipt);
      settlePassed();
    }, error => {
      if (isLeft) return;
      // What looked like it may be another's.
      if (entry.seen && !own.has(entry.seen)) shown.disown(entry.seen);
      entry.seen = null;
      refuse(entry, error.detail ?? error.message);
    });
  }

  function refuse(entry, why) {
    entry.isSending = false;
    entry.age = 0;
    entry.view.fail(why, () => attempt(entry), () => {
      pending.remove(channel, entry.id);
      settle(entry);
      giveBack(entry.text);
    });
  }

  const enter = (id, text, age) => {
    const entry = { id, text, age, view: shown.sending(text), isSending: false, seen: null, receipt: null };
    outbox.push(entry);
    return entry;
  };

  room.on('signed', message => { signed = message.seqid; });
  room.on('message', onMessage);
  room.on('gap', ({ from, to }) => {
    shown.notice(kept(to - from + 1), 'gap');
    settlePassed();
  });
  room.on('reset', () => {
    shown.notice('The channel has started over. What is above is from before.', 'reset');
    settlePassed();
  });
  room.on('state', state => {
    onState(state);
    if (state !== 'open') return;
    isHistory = false;
    tellNamesake();
  });
  room.on('error', onError);

  // What a reload interrupted; the clock of the day may have been set since.
  for (const { id, nick: by, text, at } of pending.get(channel)) {
    if (by !== nick) continue;
    const age = Date.now() - at;
    const entry = enter(id, text, age);
    if (age >= 0 && age < SEND_TIMEOUT) attempt(entry);
    else refuse(entry, 'the page was closed before it was stored.');
  }

  return {
    room,
    send(text) {
      const id = newId();
      pending.add(channel, { id, nick, text, at: Date.now() });
      attempt(enter(id, text, 0));
    },
    seen() {
      shown.seen();
      if (unread > 0) recount(0);
    },
    /** Goes. What is being sent is still sent, and remembered until it has been. */
    leave() {
      isLeft = true;
      own.close();
      room.close();
    },
  };
}
