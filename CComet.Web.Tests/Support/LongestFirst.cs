using CComet.Web.Tests.Clients.Conformance;
using CComet.Web.Tests.Clients.DotNet;
using CComet.Web.Tests.Clients.JavaScript;
using CComet.Web.Tests.Contract.Faults;
using CComet.Web.Tests.EndToEnd.Browser;
using CComet.Web.Tests.Kestrel.Parking;
using CComet.Web.Tests.Sqlite;
using Xunit.Abstractions;

[assembly: TestCollectionOrderer("CComet.Web.Tests.Support.LongestFirst", "CComet.Web.Tests")]

namespace CComet.Web.Tests.Support;

/// <summary>Starts the collections that take minutes before all others, so that none of them runs on alone at the end.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest =
    [
        Chromium.Pages, Chromium.Wire, NameOf<FaultTests>(), NameOf<SdkTests>(), ParkingDifferenceTests.Beside, NameOf<SqliteKillTests>(), NameOf<ClientPackageTests>(), NameOf<JavaScriptClientTests>(), Chromium.Client,
    ];

    /// <inheritdoc/>
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(collection => Array.IndexOf(Longest, collection.DisplayName) is >= 0 and var place ? place : Longest.Length);

    /// <summary>The name of the collection that a class is by itself.</summary>
    private static string NameOf<T>() => $"Test collection for {typeof(T).FullName}";
}
