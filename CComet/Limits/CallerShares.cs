namespace CComet.Limits;

/// <summary>The shares that a caller is counted in.</summary>
/// <param name="Address">That of its address; null where there is none.</param>
/// <param name="User">That of its user; null where it has not authenticated, or where no setting bounds the subscribers of a user.</param>
internal readonly record struct CallerShares(Share? Address, Share? User)
{
    /// <summary>Gives back what was held of both.</summary>
    public void Release(Held what, int amount)
    {
        Address?.Release(what, amount);
        User?.Release(what, amount);
    }
}
