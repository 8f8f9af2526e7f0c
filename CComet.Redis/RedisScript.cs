namespace CComet.Redis;

/// <summary>One of the scripts, in the order of <see cref="RedisScripts.For"/>.</summary>
internal enum RedisScript
{
    Append,
    Read,
    Renew,
    Clear,
    PutRecord,
    ChangeMembers,
    ReadMembers,
    Lease,
    LeaseReader,
    ReleaseReader,
    ReadCursors,
    SaveCursors,
}
