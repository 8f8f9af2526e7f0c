// A client of icomet as the wire sees it: EventSource where the browser has it, JSONP otherwise; the seq and the number of noops
// are its own. It is here to meet the server as such a client does, not to be used.
function IcometClient(options) {
  var self = this;
  var signed = !options.sign_url;
  var token = '';
  var source = null;
  var stopped = false;
  var calls = 0;
  self.seq = options.seq || 0;
  self.noops = 0;
  self.got = [];
  self.types = [];
  self.asked = 0;
  self.extra = 0;
  self.stopped = null;

  self.start = function () {
    if (stopped) return;
    if (!signed) {
      call(options.sign_url, { cname: options.cname }, function (sign) {
        signed = true;
        token = sign.token;
        self.seq = sign.seq;
        self.start();
      }, later);
    } else if (options.transport !== 'poll' && window.EventSource) listen();
    else poll();
  };

  self.stop = function () {
    stopped = true;
    if (source) source.close();
  };

  function params() {
    return { cname: options.cname, seq: self.seq, noop: self.noops, token: token };
  }

  function query(values) {
    var parts = [];
    for (var name in values) parts.push(name + '=' + encodeURIComponent(values[name]));
    return parts.join('&');
  }

  function later() {
    if (!stopped) setTimeout(self.start, options.retry || 50);
  }

  function listen() {
    self.asked++;
    var own = source = new EventSource(options.sub_url + '/sse?' + query(params()));
    function leave(next) {
      own.close();
      next();
    }

    own.onmessage = function (event) {
      if (own !== source || stopped) return;
      var next = take(JSON.parse(event.data));
      if (next === 'later') leave(later);
      else if (next === 'stop') own.close();
    };
    own.onerror = function () {
      // It would ask again for the seq of its beginning.
      leave(function () { if (own === source) later(); });
    };
  }

  function poll() {
    self.asked++;
    call(options.sub_url + '/sub', params(), function (answer) {
      var next = take(answer);
      if (next === 'later') later();
      else if (next === 'again') self.start();
    }, later);
  }

  // Says what is to be done after a poll: ask again, ask again later, stop, or nothing.
  function take(answer) {
    if (answer instanceof Array) {
      var last = 'again';
      for (var i = 0; i < answer.length; i++) last = take(answer[i]);
      return last;
    }

    self.types.push(answer.type);
    switch (answer.type) {
      case '401':
        self.stopped = answer.content;
        self.stop();
        return 'stop';
      case 'noop':
        if (answer.seq !== self.noops) {
          self.extra++;
          return 'none';
        }

        self.noops++;
        return 'again';
      case 'next_seq':
        self.seq = answer.seq;
        return 'again';
      case 'data':
        self.got.push(answer.content);
        self.seq = answer.seq + 1;
        return 'again';
      case 'broadcast':
        self.got.push('all: ' + answer.content);
        return 'again';
      default:
        return 'later';
    }
  }

  function call(url, values, answered, failed) {
    var name = 'icomet_' + options.id + '_' + calls++;
    var script = document.createElement('script');
    var done = false;
    function end() {
      delete window[name];
      script.remove();
    }

    window[name] = function (answer) {
      done = true;
      end();
      if (!stopped) answered(answer);
    };
    script.onload = script.onerror = function () {
      if (done) return;
      end();
      failed();
    };
    values.cb = name;
    values._ = new Date().getTime();
    script.src = url + (url.indexOf('?') < 0 ? '?' : '&') + query(values);
    document.head.appendChild(script);
  }
}
