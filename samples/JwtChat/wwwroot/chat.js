// The page: who is signed in, three channels of the push server, and a form for each.

const $ = id => document.getElementById(id);

/**
 * What the client calls whenever it needs a token: at first, before the last one expires, and when the server does not take it. It
 * is a function of its own and not one for each channel: channels of one function share one connection and one token.
 */
async function token() {
  const answer = await fetch('token', { method: 'POST' });

  // Logged out, perhaps in another tab: this page ends too, and not only when its last token expires.
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(`The token was answered by HTTP ${answer.status}.`);
  return (await answer.json()).token;
}

/** Follows a channel and shows it in its section. */
function follow(CComet, push, channel, section) {
  const status = section.querySelector('[role=status]');
  const room = new CComet({ url: push, channel, token });
  let reason = '';
  const show = () => {
    section.dataset.state = room.state;
    status.textContent = room.state === 'refused' ? `refused: ${reason} ` : room.state === 'open' ? `open: ${channel}` : `${room.state} ${reason}`;
    if (room.state !== 'refused') return;

    // Nothing is asked until then: what was refused once is refused again, unless rights have changed.
    const retry = Object.assign(document.createElement('button'), { textContent: 'Try again' });
    retry.addEventListener('click', () => room.resume());
    status.append(retry);
  };
  room.on('error', error => { reason = error.detail; show(); });
  room.on('state', state => { if (state === 'open') reason = ''; show(); });
  room.on('message', ({ sname, msg }) => add(section, `${sname}: ${typeof msg === 'string' ? msg : JSON.stringify(msg)}`));
  room.on('gap', ({ from, to }) => add(section, `(${to - from + 1} messages cannot be had any more)`));
  show();
  return room;
}

function add(section, text) {
  section.querySelector('ol').append(Object.assign(document.createElement('li'), { textContent: text }));
}

/** Lets a form send what was typed; what goes wrong is told, and the text stays. */
function onSubmit(form, send) {
  form.addEventListener('submit', async event => {
    event.preventDefault();
    $('problem').textContent = '';
    try {
      await send(form.elements);
      form.elements.text.value = '';
    } catch (error) {
      // Of a CCometError, detail is what the server said.
      $('problem').textContent = error.detail ?? error.message;
    }
  });
}

async function start({ name, push }) {
  $('me').textContent = name;
  $('logout').hidden = $('chat').hidden = false;
  const { CComet } = await import(`${push}/js/ccomet.mjs`);
  const channel = new URLSearchParams(location.search).get('channel') || 'room.lobby';
  $('enter').elements.channel.value = channel;
  const room = follow(CComet, push, channel, $('room'));
  const news = follow(CComet, push, 'news', $('news'));
  const inbox = follow(CComet, push, `inbox.${name}`, $('inbox'));

  // Every user may try: what one may do is decided by the server, not by a button that is missing.
  onSubmit($('say'), ({ text }) => room.publish(text.value));
  onSubmit($('tell'), ({ text }) => news.publish(text.value));
  onSubmit($('note'), async ({ to, text }) => {
    const answer = await fetch('notes', { method: 'POST', body: new URLSearchParams({ to: to.value, text: text.value }) });
    if (!answer.ok) throw new Error(await answer.text());
  });

  // The page stops at once; its last token would hold for some minutes more.
  $('logout').addEventListener('submit', () => [room, news, inbox].forEach(each => each.close()));
}

// A page that the button Back brings out of the browser's memory is of a user who may have logged out since.
addEventListener('pageshow', event => { if (event.persisted) location.reload(); });

const me = await (await fetch('me')).json();
if (me.name) start(me).catch(error => { $('problem').textContent = `The push server cannot be reached: ${error.message}`; });
else $('login').hidden = false;
