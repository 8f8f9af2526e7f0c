// The recipe names the address that this page was got from.
document.querySelector('[data-origin]').textContent = new URL('.', location.href).href.replace(/\/$/, '');
