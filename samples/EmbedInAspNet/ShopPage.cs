namespace EmbedInAspNet;

/// <summary>The shop's page: log in, order, and see all orders as they come.</summary>
internal static class ShopPage
{
    /// <summary>Its HTML.</summary>
    public const string Html = """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <title>Shop</title>
        <form id="login"><label>Name <input name="name" required></label> <button>Log in</button></form>
        <form id="order" hidden><label>Item <input name="product" required></label> <button>Order</button></form>
        <ul id="orders"></ul>
        <script>
          login.onsubmit = async event => {
            event.preventDefault()
            await fetch('/login?name=' + encodeURIComponent(login.elements.name.value), { method: 'POST' })
            login.hidden = true
            order.hidden = false
            new EventSource('/push/sse?channel=orders&seqid=0').onmessage = event => {
              const line = document.createElement('li')
              line.textContent = JSON.parse(event.data).msg.item
              orders.append(line)
            }
          }
          order.onsubmit = event => {
            event.preventDefault()
            fetch('/orders', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ item: order.elements.product.value, count: 1 }) })
            order.reset()
          }
        </script>
        """;
}
