// The client of 2014 as the wire sees it: jQuery's JSONP, one string argument, parts of the address joined unencoded, the
// next seqid from the last item that came, and a new question at once after whatever answer. It is here to be served
// unchanged, not to be improved.
function SeedClient(options) {
  var self = this;
  self.seqid = 0;
  self.got = [];
  self.logged = [];
  self.polls = 0;

  function ask(url, answered) {
    $.ajax({
      url: url,
      dataType: 'jsonp',
      timeout: 30000,
      success: function (text) { answered(JSON.parse(text)); },
      error: function (_, why) {
        self.logged.push(why);
        self.sub();
      }
    });
  }

  self.sign = function () {
    ask(options.sign_url, function () { self.sub(); });
  };

  self.sub = function () {
    self.polls++;
    ask(options.sub_url + self.seqid, function (messages) {
      for (var i = 0; i < messages.length; i++) {
        var type = messages[i].type;
        if (type == '401' || type == '402' || type == '404') self.logged.push(type);
        else {
          self.seqid = parseInt(messages[i].seqid) + 1;
          self.got.push(messages[i]);
        }
      }
      self.sub();
    });
  };

  self.pub = function (content) {
    ask(options.pub_url + content, function (receipt) { self.receipt = receipt[0]; });
  };
}
