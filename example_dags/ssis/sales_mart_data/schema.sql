-- The database that the packages of the example project load. The demo creates it on the embedded server; it also runs
-- on a SQL Server, in an empty database.
CREATE SCHEMA staging;
GO
CREATE SCHEMA mart;
GO
CREATE SCHEMA archive;
GO
CREATE SCHEMA etl;
GO
CREATE TABLE staging.Sales (
    OrderId int NOT NULL,
    CustomerName nvarchar(50) NOT NULL,
    Amount numeric(18, 2) NOT NULL,
    Discount numeric(18, 2) NULL
);
GO
CREATE TABLE mart.FactSales (
    SaleId int IDENTITY(1, 1) NOT NULL PRIMARY KEY,
    OrderId int NOT NULL,
    CustomerName nvarchar(50) NOT NULL,
    Amount numeric(18, 2) NOT NULL,
    Discount numeric(18, 2) NULL,
    RegionId int NOT NULL DEFAULT 1,
    SourceSystem nvarchar(50) NULL
);
GO
CREATE TABLE mart.DailyTotal (
    CustomerName nvarchar(50) NOT NULL,
    Amount numeric(18, 2) NOT NULL
);
GO
CREATE TABLE mart.MonthlyTotal (
    Customers int NOT NULL,
    Amount numeric(18, 2) NOT NULL
);
GO
CREATE TABLE archive.Sales (
    OrderId int NOT NULL,
    CustomerName nvarchar(50) NOT NULL,
    Amount numeric(18, 2) NOT NULL
);
GO
INSERT INTO archive.Sales (OrderId, CustomerName, Amount) VALUES (901, N'Brandt AG', 120.50), (902, N'Óðinn ehf.', 75.00);
GO
CREATE TABLE etl.LoadedFile (FileName nvarchar(400) NOT NULL, LoadedAt datetime2 NOT NULL DEFAULT SYSDATETIME());
GO
CREATE TABLE etl.RejectedFile (FileName nvarchar(400) NOT NULL, RejectedAt datetime2 NOT NULL DEFAULT SYSDATETIME());
GO
CREATE TABLE etl.LoadAudit (FilesLoaded int NOT NULL, LoadedAt datetime2 NOT NULL DEFAULT SYSDATETIME());
GO
CREATE TABLE etl.LoadError (Source nvarchar(200) NOT NULL, Message nvarchar(4000) NULL);
GO
CREATE PROCEDURE mart.MergeSales @BatchSize int, @SourceSystem nvarchar(50)
AS
BEGIN
    SET NOCOUNT ON;
    MERGE mart.FactSales AS target
    USING (SELECT OrderId, CustomerName, Amount, Discount FROM staging.Sales) AS source
    ON target.OrderId = source.OrderId
    WHEN MATCHED THEN
        UPDATE SET CustomerName = source.CustomerName, Amount = source.Amount, Discount = source.Discount
    WHEN NOT MATCHED THEN
        INSERT (OrderId, CustomerName, Amount, Discount, SourceSystem)
        VALUES (source.OrderId, source.CustomerName, source.Amount, source.Discount, @SourceSystem);
END;
GO
CREATE PROCEDURE mart.DeleteTotals @LoadDate datetime, @Months int
AS
BEGIN
    SET NOCOUNT ON;
    DELETE FROM mart.DailyTotal;
    DELETE FROM mart.MonthlyTotal;
END;
GO
CREATE PROCEDURE mart.WriteMonthlyTotals
AS
BEGIN
    SET NOCOUNT ON;
    INSERT INTO mart.MonthlyTotal (Customers, Amount) SELECT COUNT(*), SUM(Amount) FROM mart.DailyTotal;
END;
GO
CREATE PROCEDURE mart.CompareSums @RegionId int, @Tolerance float
AS
BEGIN
    SET NOCOUNT ON;
    DECLARE @difference float = (SELECT SUM(Amount) FROM mart.FactSales WHERE RegionId = @RegionId);
    IF ABS(@difference) < @Tolerance
        RAISERROR (N'Region %d has no sales.', 16, 1, @RegionId);
END;
GO
CREATE PROCEDURE mart.RebuildIndexes
AS
    RETURN 0;
GO
CREATE PROCEDURE etl.ReportFailure @Step nvarchar(200)
AS
BEGIN
    SET NOCOUNT ON;
    INSERT INTO etl.LoadError (Source, Message) VALUES (@Step, N'The step failed.');
END;
GO
