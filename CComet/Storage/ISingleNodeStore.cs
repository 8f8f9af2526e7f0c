namespace CComet.Storage;

/// <summary>Says of an <see cref="IMessageStore"/> that one process alone has it at a time: there are no other nodes, and nothing has to be told to them.</summary>
public interface ISingleNodeStore;
