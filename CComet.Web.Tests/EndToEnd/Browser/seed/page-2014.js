// A page of the dialect of 2014, written from what the protocol says that the original page does, step by step, its weaknesses
// included: it is here to be served unchanged, not to be improved. It finds its form and its table in the page.
function Page2014(server, channel, sname) {
  var self = this;
  var who = '?channel=' + channel + '&sname=' + sname;
  self.seqid = 0;
  self.polls = 0;
  self.said = 0;

  // The answer's content is of no interest.
  self.sign = function () {
    $.ajax({ url: server + '/sign' + who + '&time=' + $.now(), dataType: 'jsonp', success: function () { self.poll(); } });
  };

  // After any error, its own timeout first of all, it asks for the same again.
  self.poll = function () {
    self.polls++;
    $.ajax({
      url: server + '/subscribe' + who + '&seqid=' + self.seqid + '&time=' + $.now(),
      dataType: 'jsonp',
      timeout: 10000,
      success: function (text) { self.show(eval('(' + text + ')')); },
      error: function () { self.poll(); }
    });
  };

  // What throws in here ends the page for ever: an array without elements, or an element without a message.
  self.show = function (list) {
    var type = list[0].type;
    if (type == '401' || type == '402' || type == '403' || type == '404') return;
    for (var i = 0; i < list.length; i++) {
      var msg = list[i].msg.replace(/</g, '&lt;').replace(/>/g, '&gt;');
      $('#rows').append('<tr><td>' + list[i].sname + '</td><td>' + msg + '</td></tr>');
    }
    if (list.length !== 1 || type !== 'SIGN') self.seqid = list[list.length - 1].seqid + 1;
    self.poll();
  };

  self.say = function () {
    var msg = $('#text').val().replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
    $('#text').val('');
    $.ajax({ url: server + '/publish' + who + '&time=' + $.now() + '&msg=' + msg, dataType: 'jsonp', success: function () { self.said++; } });
  };

  $('#say').on('submit', function () {
    self.say();
    return false;
  });
}
