using System.Text;
using System.Xml.Linq;
using CComet.Storage;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace CComet.Web.Hosting.Access;

/// <summary>Keeps the keys of Data Protection as records of the store.</summary>
/// <remarks>Blocks until the store has answered, as the interface wants it; <see cref="KeyRing"/> calls it on a thread of its own.</remarks>
internal sealed class RecordXmlRepository(IRecordStore store) : IXmlRepository
{
    private const string Kind = "keys";

    /// <inheritdoc/>
    public IReadOnlyCollection<XElement> GetAllElements() =>
        [.. store.ReadRecordsAsync(Kind).AsTask().GetAwaiter().GetResult().Values.Select(element => XElement.Parse(Encoding.UTF8.GetString(element)))];

    /// <inheritdoc/>
    public void StoreElement(XElement element, string friendlyName) =>
        store.PutRecordAsync(Kind, friendlyName, Encoding.UTF8.GetBytes(element.ToString(SaveOptions.DisableFormatting)), null).AsTask().GetAwaiter().GetResult();
}
