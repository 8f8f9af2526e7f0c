// The menu of emoticons: a button that opens a grid of them, by the habits of a menu: arrow keys, Home, End, Escape.

const EMOTICONS = {
  '🙂': 'slightly smiling face', '😀': 'grinning face', '😂': 'tears of joy', '😊': 'smiling eyes', '😉': 'winking face',
  '😍': 'heart eyes', '😘': 'blowing a kiss', '😎': 'sunglasses', '🤔': 'thinking face', '😮': 'surprised face',
  '😴': 'sleeping face', '😢': 'crying face', '😭': 'sobbing face', '😠': 'angry face', '😱': 'screaming face',
  '🙄': 'rolling eyes', '😅': 'sweating smile', '😇': 'halo', '🤗': 'hugging face', '🤷': 'shrug',
  '👍': 'thumbs up', '👎': 'thumbs down', '👏': 'clapping hands', '🙏': 'folded hands', '👋': 'waving hand',
  '💪': 'flexed biceps', '🤝': 'handshake', '👀': 'eyes', '❤️': 'red heart', '💔': 'broken heart',
  '🎉': 'party popper', '🔥': 'fire', '✨': 'sparkles', '☄️': 'comet', '⭐': 'star',
  '☕': 'coffee', '🍕': 'pizza', '🎂': 'birthday cake', '🚀': 'rocket', '💡': 'light bulb',
};

/**
 * Makes a button open the menu.
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} menu an empty element
 * @param {(emoticon: string) => void} pick is called with what was chosen; it moves the focus on
 */
export function emojiMenu(button, menu, pick) {
  const items = Object.entries(EMOTICONS).map(([emoticon, name]) => {
    const item = document.createElement('button');
    item.type = 'button';
    item.tabIndex = -1;
    item.setAttribute('role', 'menuitem');
    item.setAttribute('aria-label', name);
    item.title = name;
    item.textContent = emoticon;
    item.addEventListener('click', () => { close(); pick(emoticon); });
    return item;
  });
  menu.replaceChildren(...items);

  const open = () => {
    menu.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    items[0].focus();
  };
  const close = () => {
    menu.hidden = true;
    button.setAttribute('aria-expanded', 'false');
  };

  // As many as the width allows stand in a row, so what is above and below is read from the layout.
  const columns = () => items.filter(item => item.offsetTop === items[0].offsetTop).length;
  const steps = {
    ArrowRight: () => 1, ArrowLeft: () => -1, ArrowDown: columns, ArrowUp: () => -columns(),
    Home: at => -at, End: at => items.length - 1 - at,
  };

  button.addEventListener('click', () => (menu.hidden ? open() : close()));
  button.addEventListener('keydown', event => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    open();
  });
  menu.addEventListener('keydown', event => {
    if (event.key === 'Escape') {
      event.preventDefault();
      close();
      button.focus();
    } else if (event.key === 'Tab') {
      close();
    } else if (Object.hasOwn(steps, event.key)) {
      event.preventDefault();
      const at = items.indexOf(document.activeElement);
      items[at + steps[event.key](at)]?.focus();
    }
  });
  document.addEventListener('pointerdown', event => {
    if (!menu.hidden && !menu.contains(event.target) && !button.contains(event.target)) close();
  });
  return { close };
}
